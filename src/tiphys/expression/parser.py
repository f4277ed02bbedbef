"""From text to syntax tree: a precedence climber for expr-lang 1.17."""

from collections.abc import Callable
from functools import lru_cache
from typing import NoReturn, TypeVar

from tiphys.expression import tokens
from tiphys.expression.faults import ExpressionError
from tiphys.expression.literals import number
from tiphys.expression.syntax import (
    Array,
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
    Let,
    Literal,
    Map,
    Member,
    Name,
    Node,
    Pair,
    Pointer,
    Predicate,
    Sequence,
    Slice,
    Unary,
)
from tiphys.expression.tokens import Kind, Token

UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY = (
    {"|": 0, "or": 10, "||": 10, "and": 15, "&&": 15, "..": 25, "+": 30, "-": 30, "??": 500}
    | dict.fromkeys(("==", "!=", "<", ">", "<=", ">=", "in"), 20)
    | dict.fromkeys(("matches", "contains", "startsWith", "endsWith"), 20)
    | dict.fromkeys(("*", "/", "%"), 60)
    | dict.fromkeys(("**", "^"), 100)
)
RIGHT_ASSOCIATIVE = frozenset({"**", "^"})
COMPARISONS = frozenset({"<", ">", "<=", ">="})
NEGATABLE = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
PREDICATES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("all", "none", "any", "one", "filter", "map", "groupBy"), (2, 2)),
    **dict.fromkeys(("find", "findIndex", "findLast", "findLastIndex"), (2, 2)),
    "count": (1, 2),
    "sum": (1, 2),
    "sortBy": (2, 3),
    "reduce": (2, 3),
}
"""Built-ins whose second argument is a predicate: how many arguments they take."""
Item = TypeVar("Item")
LONGEST_CHAIN = 400
"""Words in `a.b.c…`."""
_CONSTANTS: dict[str, object] = {"true": True, "false": False, "nil": None}


@lru_cache(maxsize=4096)
def parse(source: str, functions: frozenset[str] = frozenset()) -> Node:
    """Return the tree of *source*; *functions* are the built-ins that no name hides.

    Raises: ExpressionError: *source* is no expression of expr-lang.
    """
    try:
        return _Parser(source, functions).whole()
    except RecursionError:
        raise ExpressionError(source, 0, "this expression is nested too deeply.") from None


class _Parser:
    def __init__(self, source: str, functions: frozenset[str]) -> None:
        self.source, self.functions = source, functions
        self.tokens, self.position = tokens.read(source), 0
        self.predicates = 0

    @property
    def current(self) -> Token:
        return self.tokens[self.position]

    def advance(self) -> Token:
        token = self.current
        self.position += token.kind is not Kind.END
        return token

    def at(self, *texts: str) -> bool:
        token = self.current
        return token.text in texts and token.kind in {Kind.OPERATOR, Kind.BRACKET}

    def take(self, text: str) -> bool:
        return self.at(text) and bool(self.advance())

    def expect(self, text: str) -> Token:
        return self.advance() if self.at(text) else self.fail(f"`{text}`")

    def name(self) -> Token:
        return self.advance() if self.current.kind is Kind.NAME else self.fail("a name")

    def fail(self, expected: str) -> NoReturn:
        token = self.current
        raise ExpressionError(self.source, token.at, f"found {token}.", f"Expected {expected}.")

    def whole(self) -> Node:
        node = self.sequence()
        if self.current.kind is not Kind.END:
            self.fail("an operator or the end")
        return node

    def sequence(self) -> Node:
        nodes = [self.expression()]
        while self.take(";") and self.current.kind is not Kind.END:
            nodes.append(self.expression())
        return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes), nodes[0].at)

    def expression(self, precedence: int = 0) -> Node:
        if precedence == 0 and self.at("let"):
            return self.declaration()
        if precedence == 0 and self.at("if"):
            return self.conditional()
        left, previous = self.primary(), ""
        while (operator := self.operator(precedence)) is not None:
            negated, token = operator
            if previous == "??" and token.text not in {"??", "|"}:
                advice = "Put one of the two into parentheses."
                raise ExpressionError(
                    self.source, token.at, f"`{token.text}` is mixed with `??`.", advice
                )
            left = self.binary(left, token)
            left = Unary("not", left, token.at) if negated else left
            previous = token.text
        return self.ternary(left) if precedence == 0 else left

    def operator(self, precedence: int) -> tuple[bool, Token] | None:
        """Consume and return the next binary operator that binds at least so, if there is one."""
        negated = self.at("not")
        token = self.tokens[self.position + negated]
        if negated and token.text not in NEGATABLE:
            self.advance()
            self.fail("`in`, `matches`, `contains`, `startsWith` or `endsWith`")
        if token.kind is not Kind.OPERATOR or BINARY.get(token.text, -1) < precedence:
            return None
        self.position += 1 + negated
        return negated, token

    def binary(self, left: Node, token: Token) -> Node:
        precedence = BINARY[token.text]
        if token.text == "|":
            return self.call(self.name(), (left,))
        if token.text in COMPARISONS:
            return self.comparison(left, token)
        right = self.expression(precedence + (token.text not in RIGHT_ASSOCIATIVE))
        return Binary(token.text, left, right, token.at)

    def comparison(self, left: Node, token: Token) -> Node:
        """`a < b < c` means `a < b && b < c`."""
        root: Node | None = None
        while True:
            right = self.expression(BINARY[token.text] + 1)
            compared = Binary(token.text, left, right, token.at)
            root = Binary("&&", root, compared, token.at) if root else compared
            if not self.at(*COMPARISONS):
                return root
            left, token = right, self.advance()

    def declaration(self) -> Node:
        self.expect("let")
        name = self.name()
        self.expect("=")
        value = self.expression()
        self.expect(";")
        return Let(name.text, value, self.sequence(), name.at)

    def conditional(self) -> Node:
        at = self.expect("if").at
        condition = self.expression()
        then = self.block()
        self.expect("else")
        return Conditional(
            condition, then, self.conditional() if self.at("if") else self.block(), at
        )

    def block(self) -> Node:
        self.expect("{")
        body = self.sequence()
        self.expect("}")
        return body

    def ternary(self, node: Node) -> Node:
        while self.at("?"):
            at = self.advance().at
            then = node if self.at(":") else self.expression()
            self.expect(":")
            node = Conditional(node, then, self.expression(), at)
        return node

    def primary(self) -> Node:
        token = self.current
        if token.kind is Kind.OPERATOR and token.text in UNARY:
            self.advance()
            operand = self.expression(UNARY[token.text])
            return self.postfix(Unary(token.text, operand, token.at))
        if self.take("("):
            inner = self.sequence()
            self.expect(")")
            return self.postfix(inner)
        if self.predicates and self.at("#", "."):
            return self.postfix(self.pointer())
        if self.take("::"):
            return self.postfix(self.call(self.name(), ()))
        return self.secondary()

    def pointer(self) -> Node:
        """A predicate's `.x` is `#.x`: the dot itself is left to the postfix."""
        token = self.current
        if not self.take("#"):
            return Pointer("", token.at)
        named = self.current.kind is Kind.NAME
        return Pointer(self.advance().text if named else "", token.at)

    def secondary(self) -> Node:
        token = self.current
        if token.kind is Kind.NUMBER:
            return Literal(number(self.source, self.advance()), token.at)
        if token.kind is Kind.NAME and token.text in _CONSTANTS:
            return Literal(_CONSTANTS[self.advance().text], token.at)
        return self.postfix(self.operand(token))

    def operand(self, token: Token) -> Node:
        """What a `.` or `[` may follow."""
        if token.kind is Kind.STRING:
            return Literal(self.advance().text, token.at)
        if token.kind is Kind.NAME:
            self.advance()
            return self.call(token, ()) if self.at("(") else Name(token.text, token.at)
        if self.at("["):
            return Array(self.listed("[", "]", self.expression), token.at)
        if self.at("{"):
            return Map(self.listed("{", "}", self.pair), token.at)
        return self.fail("a value")

    def listed(self, opening: str, closing: str, item: Callable[[], Item]) -> tuple[Item, ...]:
        """Read items between brackets; the last may be followed by a comma."""
        self.expect(opening)
        items: list[Item] = []
        while not self.at(closing):
            items.append(item())
            if not self.at(closing):
                self.expect(",")
        self.expect(closing)
        return tuple(items)

    def pair(self) -> Pair:
        token = self.current
        if token.kind in {Kind.NUMBER, Kind.STRING, Kind.NAME}:
            key: Node = Literal(self.advance().text, token.at)
        elif self.at("("):
            key = self.expression()
        else:
            self.fail("a key: a name, a string, a number, or an expression in parentheses")
        self.expect(":")
        return Pair(key, self.expression(), token.at)

    def call(self, token: Token, piped: tuple[Node, ...]) -> Node:
        """Read the arguments of the function *token* names; a pipe has given the first."""
        if token.text in PREDICATES and token.text in self.functions:
            return Builtin(token.text, self.predicate_arguments(token, piped), token.at)
        arguments = piped + self.listed("(", ")", self.expression)
        if token.text in self.functions:
            return Builtin(token.text, arguments, token.at)
        return Call(Name(token.text, token.at), arguments, token.at)

    def predicate_arguments(self, token: Token, piped: tuple[Node, ...]) -> tuple[Node, ...]:
        least, most = PREDICATES[token.text]
        given = len(piped)
        self.expect("(")
        arguments = list(piped)
        while len(arguments) < most and not self.at(")"):
            if len(arguments) > given:
                self.expect(",")
            arguments.append(self.predicate() if len(arguments) == 1 else self.expression())
        self.take(",")
        if len(arguments) < least:
            self.fail(f"{least} arguments for `{token.text}`")
        self.expect(")")
        return tuple(arguments)

    def predicate(self) -> Node:
        at = self.current.at
        self.predicates += 1
        body = self.block() if self.at("{") else self.expression()
        self.predicates -= 1
        return Predicate(body, at)

    def postfix(self, node: Node) -> Node:
        first = self.position
        while self.at(".", "?.", "["):
            if self.position - first > LONGEST_CHAIN:
                raise RecursionError
            token = self.advance()
            optional = token.text == "?."
            if token.text == "[" or (optional and self.take("[")):
                node = self.bracketed(node, token.at, optional=optional)
            else:
                node = self.dotted(node, optional=optional)
        return node

    def dotted(self, owner: Node, *, optional: bool) -> Node:
        token = self.current
        words = token.kind is Kind.OPERATOR and token.text in tokens.WORD_OPERATORS
        if token.kind is not Kind.NAME and not words:
            self.fail("a name")
        self.advance()
        chained = isinstance(owner, Chain)
        inner = owner.inner if isinstance(owner, Chain) else owner
        member = Member(inner, Literal(token.text, token.at), optional, token.at)
        node: Node = member
        if self.at("("):
            node = Call(member, self.listed("(", ")", self.expression), token.at)
        return Chain(node, token.at) if chained or optional else node

    def bracketed(self, owner: Node, at: int, *, optional: bool) -> Node:
        start = None if self.at(":") else self.expression()
        if start is None or self.at(":"):
            self.expect(":")
            end = None if self.at("]") else self.expression()
            self.expect("]")
            return Slice(owner, start, end, at)
        self.expect("]")
        member = Member(owner, start, optional, at)
        return Chain(member, at) if optional else member
