"""Kinds of words, and which kind may follow which: govaluate's whole syntax check."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tiphys.expression.faults import ExpressionError
from tiphys.expression.values import Value


class Kind(StrEnum):
    PREFIX = "prefix"
    NUMBER = "number"
    BOOLEAN = "boolean"
    STRING = "text"
    PATTERN = "pattern"
    TIME = "date"
    ACCESSOR = "field"
    OPEN = "`(`"
    CLOSE = "`)`"
    MODIFIER = "operator"
    COMPARATOR = "comparator"
    LOGICAL = "logical operator"
    TERNARY = "ternary operator"
    SEPARATOR = "comma"


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `value` is the symbol of an operator, the value of a literal."""

    kind: Kind
    value: Value
    at: int


_VALUES = frozenset({Kind.NUMBER, Kind.BOOLEAN, Kind.STRING, Kind.ACCESSOR})
_OPERATORS = frozenset({Kind.MODIFIER, Kind.COMPARATOR, Kind.LOGICAL, Kind.CLOSE, Kind.SEPARATOR})
_OPERAND = _VALUES | {Kind.TIME, Kind.PREFIX, Kind.OPEN}
FOLLOWERS: dict[Kind | None, frozenset[Kind]] = {
    None: _OPERAND,
    Kind.OPEN: _OPERAND | {Kind.CLOSE},
    Kind.CLOSE: _OPERATORS
    | {Kind.TERNARY, Kind.NUMBER, Kind.BOOLEAN, Kind.STRING, Kind.TIME, Kind.OPEN},
    **dict.fromkeys((Kind.NUMBER, Kind.BOOLEAN, Kind.STRING), _OPERATORS | {Kind.TERNARY}),
    **dict.fromkeys((Kind.TIME, Kind.PATTERN), _OPERATORS),
    Kind.ACCESSOR: _OPERATORS | {Kind.TERNARY, Kind.OPEN},
    Kind.MODIFIER: _VALUES | {Kind.PREFIX, Kind.OPEN, Kind.CLOSE},
    Kind.COMPARATOR: _OPERAND | {Kind.CLOSE, Kind.PATTERN},
    Kind.LOGICAL: _OPERAND | {Kind.CLOSE},
    Kind.PREFIX: (_VALUES - {Kind.STRING}) | {Kind.OPEN, Kind.CLOSE},
    Kind.TERNARY: _OPERAND | {Kind.SEPARATOR},
    Kind.SEPARATOR: _OPERAND,
}
"""None is the beginning."""
_LAST = frozenset(
    {Kind.CLOSE, Kind.NUMBER, Kind.BOOLEAN, Kind.STRING, Kind.TIME, Kind.PATTERN, Kind.ACCESSOR}
)


def check(text: str, tokens: Sequence[Token]) -> None:
    """Raises: ExpressionError: a word that may not follow the one before, or a missing end."""
    before: Kind | None = None
    for token in tokens:
        if token.kind not in FOLLOWERS[before]:
            place = f"after a {before}" if before else "at the beginning"
            found = f"a {token.kind} cannot stand {place}."
            raise ExpressionError(text, token.at, found, "Quote text, and every tag that is text.")
        before = token.kind
    if before not in _LAST:
        raise ExpressionError(
            text,
            len(text),
            "the condition ends too early.",
            "Is a tag empty? Quoted, it would be.",
        )
    if [t.kind for t in tokens].count(Kind.OPEN) != [t.kind for t in tokens].count(Kind.CLOSE):
        raise ExpressionError(text, len(text), "the parentheses are not balanced.")
