"""What a text reads: the dotted paths in its `{{…}}` and `{{=…}}` tags."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<path>(?<![\w.])(?:inputs|tasks|steps|workflow)
            (?:\s*\??\.\s*[A-Za-z_]\w* | \s*(?:\?\.)?\[\s*(?:'[^']*'|"[^"]*")\s*\])+)
      | (?P<text>'(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `[^`]*`)""",
    re.VERBOSE | re.DOTALL,
)
_STEP = re.compile(r"""\.\s*([A-Za-z_]\w*)|\[\s*['"]([^'"]*)['"]\s*\]|^(\w+)""")


@dataclass(frozen=True, slots=True)
class Path:
    """A dotted name that a text reads."""

    names: tuple[str, ...]
    may_be_absent: bool = False
    """An expression that says what to take instead: `x ?? 'none'`."""
    followed_by: str = ""
    """The character after it in an expression: a minus hints at a missing index."""

    def __str__(self) -> str:
        return ".".join(self.names)


def read_by(text: str) -> Iterator[Path]:
    """Yield what the tags in *text* read.

    >>> [str(each) for each in read_by("{{ inputs.parameters.a }}-{{=tasks['b-c'].id}}")]
    ['inputs.parameters.a', 'tasks.b-c.id']
    """
    for match in _TAG.finditer(text) if "{{" in text else ():
        tag = match[1]
        if tag.startswith("="):
            yield from read_by_expression(tag[1:])
        else:
            *_, innermost = tag.split("{{")
            yield Path(tuple(innermost.strip().split(".")))


def read_by_expression(source: str) -> Iterator[Path]:
    """Yield what an expression reads, as far as paths can be seen without evaluating it.

    >>> [str(each) for each in read_by_expression("inputs.parameters.a == 'tasks.b.id'")]
    ['inputs.parameters.a']
    """
    for match in _TOKEN.finditer(source):
        if match["path"]:
            names = tuple(a or b or c for a, b, c in _STEP.findall(match["path"]))
            rest = source[match.end() :].lstrip()
            yield Path(names, rest.startswith("??"), rest[:1])
