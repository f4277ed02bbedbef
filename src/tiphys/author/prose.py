"""What a docstring tells people: title and description in Argo's UI, and a word on each argument.

The UI shows descriptions as Markdown, so the `Args` section and the documented fields of what is
returned become lists.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

_SECTION = re.compile(r"(Args|Returns|Raises|Yields):")
_ARGUMENT = re.compile(r"(?: {1,8})(\*{0,2}\w+)(?: \([^)]*\))?: ?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A docstring, taken apart."""

    title: str
    """The first sentence, without its full stop."""
    text: str = ""
    """What follows, up to the sections."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    """What the string under each field of the returned dataclass says."""

    @property
    def markdown(self) -> str:
        """The description as a UI shows it."""
        lists = {"Takes": self.arguments, "Gives": self.results}
        made = [_listed(name, words) for name, words in lists.items() if words]
        return "\n\n".join(part for part in (self.text, *made) if part)


def read(function: Callable[..., Any]) -> Prose:
    """Return what the docstring of *function* says."""
    lines = inspect.cleandoc(function.__doc__ or "").splitlines()
    sections = [number for number, line in enumerate(lines) if _SECTION.match(line)]
    head = "\n".join(lines[: sections[0]] if sections else lines).strip()
    paragraphs = [" ".join(part.split()) for part in head.split("\n\n")]
    return Prose(
        title=paragraphs[0].rstrip(".") or function.__name__,
        text="\n\n".join(paragraphs[1:]),
        arguments=_arguments(lines),
        results=_fields(get_type_hints(function).get("return")),
    )


def _arguments(lines: list[str]) -> dict[str, str]:
    """Return the `Args` section by name; what is indented further belongs to the line above."""
    found: dict[str, str] = {}
    if "Args:" not in lines:
        return found
    name = ""
    for line in lines[lines.index("Args:") + 1 :]:
        if line and not line.startswith(" "):
            break
        if match := _ARGUMENT.fullmatch(line):
            name, found[match[1]] = match[1], match[2].strip()
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _fields(type_: Any) -> dict[str, str]:
    """Return the string under each field of a class whose source can be read."""
    try:
        source = textwrap.dedent(inspect.getsource(type_))
    except (OSError, TypeError):
        return {}
    body = ast.parse(source).body[0]
    found: dict[str, str] = {}
    name = ""
    for line in body.body if isinstance(body, ast.ClassDef) else ():
        match line:
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Expr(value=ast.Constant(value=str(words))) if name:
                found[name] = " ".join(words.split())
    return found


def sentence(words: str) -> str:
    """Return *words* as they may begin a line.

    >>> sentence("how many, at most")
    'How many, at most'
    """
    return words[:1].upper() + words[1:]


def _listed(title: str, words: Mapping[str, str]) -> str:
    return f"**{title}**\n\n" + "\n".join(f"- `{name}`: {text}" for name, text in words.items())
