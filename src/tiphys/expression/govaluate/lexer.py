r"""The words of govaluate. A backslash takes the next character as it is, in any word."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from tiphys.expression import moments
from tiphys.expression.faults import ExpressionError, RefusedError
from tiphys.expression.govaluate.grammar import FOLLOWERS, Kind, Token, check
from tiphys.expression.govaluate.operators import PREFIX, SYMBOLS

DATES = (
    "Mon Jan _2 15:04:05 2006",
    "Mon Jan _2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "3:04PM",
    "2006-01-02T15:04:05Z07:00",
    "2006-01-02",
    "2006-01-02 15:04",
    "2006-01-02 15:04:05",
    "2006-01-02 15:04:05-07:00",
    "2006-01-02T15Z0700",
    "2006-01-02T15:04Z0700",
    "2006-01-02T15:04:05Z0700",
)
"""Quoted text of one of these forms is no text but a time, in seconds since 1970."""
_MARKS = {",": Kind.SEPARATOR, "(": Kind.OPEN, ")": Kind.CLOSE}
_WORDS: dict[str, tuple[Kind, object]] = {
    "true": (Kind.BOOLEAN, True),
    "false": (Kind.BOOLEAN, False),
    "in": (Kind.COMPARATOR, "in"),
    "IN": (Kind.COMPARATOR, "in"),
}
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def read(text: str) -> tuple[Token, ...]:
    """Return the words of *text*, in an order that govaluate accepts.

    Raises: ExpressionError: an unknown or misplaced word.
    """
    tokens = tuple(_Reader(text).tokens())
    check(text, tokens)
    return tokens


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def tokens(self) -> Iterator[Token]:
        before: Kind | None = None
        pattern = False
        while (start := self.start()) < len(self.text):
            kind, value = self.word(before)
            if pattern and kind is Kind.STRING and self.text[start] in "'\"":
                kind = Kind.PATTERN
            pattern = kind is Kind.COMPARATOR and value in {"=~", "!~"}
            before = kind
            yield Token(kind, value, start)

    def start(self) -> int:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at

    def fail(self, at: int, found: str) -> ExpressionError:
        return ExpressionError(self.text, at, found, "Quote text, and every tag that is text.")

    def word(self, before: Kind | None) -> tuple[Kind, object]:
        character = self.text[self.at]
        if kind := _MARKS.get(character):
            self.at += 1
            return kind, character
        match character:
            case "[":
                return Kind.STRING, self.enclosed(lambda c: c == "]")
            case "'" | '"':
                return self.quoted()
            case _ if character == "." or character.isdecimal():
                return Kind.NUMBER, self.number()
            case _:
                return self.name() if character.isalpha() else self.symbol(before)

    def run(self, belongs: Callable[[str], bool]) -> str:
        """Read on while characters belong; a blank ends the word, a backslash joins anything."""
        start, read = self.at, []
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "\\":
                self.at += 1
                read.append(self.text[self.at : self.at + 1])
            elif character.isspace() or not belongs(character):
                break
            else:
                read.append(character)
            self.at += 1
        if self.at == start:
            raise self.fail(start, f"`{self.text[start]}` has no meaning here.")
        return "".join(read)

    def enclosed(self, ends: Callable[[str], bool]) -> str:
        start = self.at
        read: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            character = self.text[self.at]
            if ends(character):
                self.at += 1
                return "".join(read)
            self.at += character == "\\"
            read.append(self.text[self.at : self.at + 1])
            self.at += 1
        raise self.fail(start, f"`{self.text[start]}` is never closed.")

    def quoted(self) -> tuple[Kind, object]:
        """Either quote closes what either has opened."""
        text = self.enclosed(lambda c: c in "'\"")
        for layout in DATES:
            try:
                moment = moments.parsed(text, layout)
            except RefusedError:
                continue
            return Kind.TIME, float((moment - _EPOCH).total_seconds() // 1)
        return Kind.STRING, text

    def number(self) -> float:
        start = self.at
        if self.text.startswith("0x", start):
            self.at += 2
            digits = self.run(lambda c: c.isdecimal() or c in "abcdefABCDEF")
            if re.fullmatch(r"[0-9a-fA-F]{1,16}", digits):
                return float(int(digits, 16))
        else:
            digits = self.run(lambda c: c.isdecimal() or c == ".")
            if re.fullmatch(r"\d+\.?\d*|\.\d+", digits, re.ASCII):
                return float(digits)
        raise self.fail(start, f"`{self.text[start : self.at]}` is no number.")

    def name(self) -> tuple[Kind, object]:
        start = self.at
        word = self.run(lambda c: c.isalpha() or c.isdecimal() or c in "_.")
        if word in _WORDS:
            return _WORDS[word]
        if word.find(".") <= 0:
            return Kind.STRING, word
        fields = word.split(".")[1:]
        if not fields[-1] or any(name[:1].upper() != name[:1] for name in fields):
            raise self.fail(start, f"`{word}` is taken for a field of an object.")
        return Kind.ACCESSOR, word

    def symbol(self, before: Kind | None) -> tuple[Kind, object]:
        start = self.at
        word = self.run(lambda c: not (c.isalpha() or c.isdecimal() or c in "()[]'\""))
        if Kind.PREFIX in FOLLOWERS[before] and word in PREFIX:
            return Kind.PREFIX, word
        if word not in SYMBOLS:
            raise self.fail(start, f"`{word}` is no operator.")
        return SYMBOLS[word], word
