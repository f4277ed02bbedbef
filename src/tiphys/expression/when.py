"""`when`: a condition in govaluate's language, after substitution.

Bare words are strings, numbers are floats, nothing is coerced, and operators of one rank are
applied from left to right, `? :` and `**` too.
"""

from collections.abc import Callable

from tiphys.expression import govaluate
from tiphys.expression.faults import ExpressionError, RefusedError
from tiphys.expression.govaluate import Kind, Token
from tiphys.expression.text import shown
from tiphys.expression.values import Value, kind

RANKS: tuple[tuple[Kind, frozenset[str]], ...] = (
    (Kind.SEPARATOR, frozenset({","})),
    (Kind.TERNARY, frozenset({"?", ":", "??"})),
    (Kind.LOGICAL, frozenset({"||"})),
    (Kind.LOGICAL, frozenset({"&&"})),
    (Kind.COMPARATOR, frozenset({"==", "!=", ">", ">=", "<", "<=", "=~", "!~", "in"})),
    (Kind.MODIFIER, frozenset({"^", "&", "|"})),
    (Kind.MODIFIER, frozenset({"<<", ">>"})),
    (Kind.MODIFIER, frozenset({"+", "-"})),
    (Kind.MODIFIER, frozenset({"*", "/", "%"})),
    (Kind.MODIFIER, frozenset({"**"})),
)
"""Loosest first."""
Operand = Callable[[], Value]
"""A value not yet computed: `&&`, `||`, `? :` and `??` may not need it."""


def condition(text: str) -> bool:
    """Return whether *text* holds; no text at all does.

    Raises: ExpressionError: a syntax error, operands that do not fit, or no boolean.
    """
    if not text:
        return True
    tokens = govaluate.read(text)
    try:
        result = _Plan(text, tokens).ranked(0)()
    except RecursionError:
        raise ExpressionError(text, 0, "this condition is nested too deeply.") from None
    if not isinstance(result, bool):
        advice = "A condition must be true or false; quote what is text."
        raise ExpressionError(text, 0, f"this gives `{shown(result)}`, {kind(result)}.", advice)
    return result


class _Plan:
    """Reads the tokens into operands."""

    def __init__(self, text: str, tokens: tuple[Token, ...]) -> None:
        self.text, self.position = text, 0
        self.tokens = (*tokens, Token(Kind.CLOSE, ")", len(text)))

    def next(self, kind: Kind, symbols: frozenset[str]) -> Token | None:
        token = self.tokens[self.position]
        if token.kind is not kind or token.value not in symbols:
            return None
        self.position += 1
        return token

    def ranked(self, rank: int) -> Operand:
        if rank == len(RANKS):
            return self.single()
        left = self.ranked(rank + 1)
        while token := self.next(*RANKS[rank]):
            left = self.joined(token, left, self.ranked(rank + 1))
        return left

    def joined(self, token: Token, left: Operand, right: Operand) -> Operand:
        apply = govaluate.BINARY[str(token.value)]

        def computed() -> Value:
            try:
                return apply(left(), right)
            except RefusedError as refusal:
                raise ExpressionError(self.text, token.at, str(refusal)) from None

        return computed

    def single(self) -> Operand:
        """One operand. Whatever stands where a `)` should is taken for one, as in govaluate."""
        token = self.tokens[self.position]
        self.position += 1
        match token.kind:
            case Kind.OPEN:
                inner = self.ranked(0)
                self.position = min(self.position + 1, len(self.tokens) - 1)
                return inner
            case Kind.CLOSE:
                self.position -= 1
                return lambda: None
            case Kind.PREFIX:
                return self.prefixed(token, self.single())
            case Kind.ACCESSOR:
                return self.accessor(token)
            case _:
                return lambda: token.value

    def prefixed(self, token: Token, operand: Operand) -> Operand:
        def computed() -> Value:
            try:
                return govaluate.PREFIX[str(token.value)](operand())
            except RefusedError as refusal:
                raise ExpressionError(self.text, token.at, str(refusal)) from None

        return computed

    def accessor(self, token: Token) -> Operand:
        def computed() -> Value:
            found = f"`{token.value}` is taken for a field of an object."
            raise ExpressionError(self.text, token.at, found, "Put it into quotes.")

        return computed
