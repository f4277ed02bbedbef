r"""Regular expressions: Go's syntax (RE2) on Python's engine.

What RE2 has not (look-around, back-references, possessive quantifiers) is refused.
"""

import re
from functools import lru_cache

from tiphys.expression.faults import RefusedError

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7f",
    "blank": "\\t ",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PART = re.compile(
    r"(?P<set>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\])"
    r"|(?P<bad>\\[1-9]|\(\?<?[=!]|[*+?}]\+)"
    r"|\(\?<(?P<name>\w+)>|(?P<end>\\z)|\\.|(?P<dollar>\$)|.",
    re.DOTALL,
)
_IN_SET = re.compile(r"\[:(?P<posix>[a-z]+):\]|\\.|(?P<set_operator>[\[&~|])|.", re.DOTALL)


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Raises: RefusedError: *pattern* is none of RE2's."""
    lines = re.match(r"\(\?[a-z]*m[a-z]*\)", pattern) is not None
    try:
        return re.compile(_PART.sub(lambda part: _translated(part, lines=lines), pattern), re.ASCII)
    except re.error as problem:
        raise RefusedError(f"`{pattern}` is no regular expression: {problem}.") from None


def found(text: str, pattern: str) -> bool:
    return compiled(pattern).search(text) is not None


def _translated(part: re.Match[str], *, lines: bool) -> str:
    match part.lastgroup:
        case "set":
            return part.group()[0] + _IN_SET.sub(_in_set, part.group()[1:])
        case "bad":
            raise re.error(f"`{part.group()}` is not part of RE2")
        case "name":
            return f"(?P<{part['name']}>"
        case "end":
            return r"\Z"
        case "dollar":
            return "$" if lines else r"\Z"
        case _:
            return part.group()


def _in_set(part: re.Match[str]) -> str:
    if part["posix"]:
        if part["posix"] not in _CLASSES:
            raise re.error(f"there is no class {part.group()}")
        return _CLASSES[part["posix"]]
    return "\\" + part.group() if part["set_operator"] else part.group()
