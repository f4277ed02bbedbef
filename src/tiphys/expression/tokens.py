"""The words of expr-lang: where each begins, and what kind it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tiphys.expression.faults import ExpressionError


class Kind(StrEnum):
    NUMBER = "number"
    STRING = "string"
    NAME = "name"
    OPERATOR = "operator"
    BRACKET = "bracket"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `text` of a string is its decoded value; `at` is its offset in the source."""

    kind: Kind
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind is Kind.END else f"{self.kind} `{self.text}`"


WORD_OPERATORS = frozenset(
    {"in", "or", "and", "not", "let", "if", "else"}
    | {"matches", "contains", "startsWith", "endsWith"}
)
_PATTERN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<open>/\*)
    |(?P<number>(?:0[xX][0-9a-fA-F_]*|0[oO][0-7_]*|0[bB][01_]*|[0-9][0-9_]*)
        (?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9_]*)?
        |\.[0-9][0-9_]*(?:[eE][+-]?[0-9_]*)?)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:``|[^`])*`)
    |(?P<name>[\w$]+)
    |(?P<bracket>[(\[{}\])])
    |(?P<operator>\#|\?\.|\?\?|\?|\|\||\||::|:|\.\.|\.|[&!=*<>][&=*]?|[,;%+\-^/])
    """,
    re.VERBOSE | re.DOTALL,
)


def read(source: str) -> tuple[Token, ...]:
    """Return the words of *source*; the last is always of kind END.

    Raises: ExpressionError: an unknown character, a broken number or an unclosed string.
    """
    return (*_words(source), Token(Kind.END, "", len(source)))


def _words(source: str) -> Iterator[Token]:
    at = 0
    while at < len(source):
        match = _PATTERN.match(source, at)
        if match is None:
            raise ExpressionError(source, at, _unreadable(source[at]))
        group, text = match.lastgroup, match.group()
        if group == "open":
            raise ExpressionError(source, at, "this comment is never closed.", "Expected `*/`.")
        if group != "blank":
            yield _word(source, group or "", text, at)
        at = match.end()


def _unreadable(character: str) -> str:
    if character in "\"'`":
        return "this string is never closed."
    return f"`{character}` has no meaning here."


def _word(source: str, group: str, text: str, at: int) -> Token:
    match group:
        case "string" if text[0] == "`":
            return Token(Kind.STRING, text[1:-1].replace("``", "`"), at)
        case "string":
            return Token(Kind.STRING, _unescape(source, text[1:-1], at + 1), at)
        case "number":
            after = source[at + len(text) : at + len(text) + 1]
            if after and (after in "_$" or after.isalnum()):
                raise ExpressionError(source, at, f"`{text}{after}` is no number.")
            return Token(Kind.NUMBER, text, at)
        case "name" if text not in WORD_OPERATORS:
            return Token(Kind.NAME, text, at)
        case "bracket":
            return Token(Kind.BRACKET, text, at)
        case _:
            return Token(Kind.OPERATOR, text, at)


_SIMPLE = dict(zip("abfnrtv\\'\"`?", "\a\b\f\n\r\t\v\\'\"`?", strict=True))
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\'\"`?])|[xX](?P<x>[0-9a-fA-F]{2})|u\{(?P<long>[0-9a-fA-F]{1,6})\}"
    r"|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<unknown>.))",
    re.DOTALL,
)


def _unescape(source: str, text: str, at: int) -> str:
    if "\\" not in text:
        return text

    def decoded(match: re.Match[str]) -> str:
        group, digits = match.lastgroup or "", match.group(match.lastgroup or 0)
        if group == "simple":
            return _SIMPLE[digits]
        code = 0x110000 if group == "unknown" else int(digits, 8 if group == "octal" else 16)
        if code > 0x10FFFF:
            raise ExpressionError(source, at + match.start(), f"`{match.group()}` is no escape.")
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)

    return _ESCAPE.sub(decoded, text)
