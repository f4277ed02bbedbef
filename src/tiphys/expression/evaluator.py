"""Walking the tree: what an expression is worth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tiphys.errors import nearest
from tiphys.expression import jsontext, library, members, operators, predicates, sprig
from tiphys.expression.calls import call, callable_value
from tiphys.expression.checker import check
from tiphys.expression.environment import Environment, World
from tiphys.expression.faults import ExpressionError, RefusedError
from tiphys.expression.parser import parse
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
    Pointer,
    Predicate,
    Sequence,
    Slice,
    Unary,
    spine,
)
from tiphys.expression.values import Value, kind

Result = TypeVar("Result")
FUNCTIONS = frozenset(library.FUNCTIONS) | frozenset(predicates.FUNCTIONS)
ARGO: dict[str, Value] = dict(library.ARGO) | {"sprig": sprig.FUNCTIONS}
"""What Argo adds to every environment."""


def evaluate(source: str, names: Mapping[str, Value], environment: Environment) -> Value:
    """Return the JSON value of an expr-lang expression over *names*.

    A time becomes its RFC 3339 text, a duration its nanoseconds.

    Raises: ExpressionError: a syntax error, an unknown name, or operands that do not fit.
    """
    return _guarded(source, lambda: jsontext.plain(_value(source, names, World(environment))))


def text(source: str, names: Mapping[str, Value], world: World) -> str | None:
    """Return what a `{{= }}` tag becomes: text as it is, other values as JSON, None for nil.

    Raises: ExpressionError: as `evaluate`.
    """

    def written() -> str | None:
        value = _value(source, names, world)
        if value is None or isinstance(value, str):
            return value
        return jsontext.written(value).strip('"')

    return _guarded(source, written)


def _value(source: str, names: Mapping[str, Value], world: World) -> Value:
    scope = {**ARGO, **names}
    tree = parse(source, FUNCTIONS.difference(scope))
    check(source, tree, scope)
    return _Evaluation(source, scope, world).value(tree, _Frame())


def _guarded(source: str, compute: Callable[[], Result]) -> Result:
    try:
        return compute()
    except RefusedError as refusal:
        raise ExpressionError(source, 0, str(refusal)) from None
    except RecursionError:
        raise ExpressionError(source, 0, "this expression is nested too deeply.") from None


class _AbsentError(Exception):
    """The owner of a `?.` is nil: the whole chain is."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """The variables in force: those of `let`, and what `#` means."""

    variables: Mapping[str, Value] = field(default_factory=dict)
    pointers: Mapping[str, Value] = field(default_factory=dict)


class _Evaluation:
    def __init__(self, source: str, names: Mapping[str, Value], world: World) -> None:
        self.source, self.names, self.world = source, names, world

    def value(self, node: Node, frame: _Frame) -> Value:
        try:
            return _RULES[type(node)](self, node, frame)
        except RefusedError as refusal:
            raise ExpressionError(self.source, node.at, str(refusal)) from None

    def literal(self, node: Literal, _frame: _Frame) -> Value:
        return node.value

    def name(self, node: Name, frame: _Frame) -> Value:
        if node.name in frame.variables:
            return frame.variables[node.name]
        return dict(self.names) if node.name == "$env" else self.names[node.name]

    def pointer(self, node: Pointer, frame: _Frame) -> Value:
        return frame.pointers[node.name]

    def unary(self, node: Unary, frame: _Frame) -> Value:
        return operators.UNARY[node.operator](self.value(node.operand, frame))

    def binary(self, node: Binary, frame: _Frame) -> Value:
        leftmost, chain = spine(node)
        value = self.value(leftmost, frame)
        for link in chain:
            try:
                value = self.operated(link, value, frame)
            except RefusedError as refusal:
                raise ExpressionError(self.source, link.at, str(refusal)) from None
        return value

    def operated(self, node: Binary, left: Value, frame: _Frame) -> Value:
        match node.operator:
            case "??":
                return self.value(node.right, frame) if left is None else left
            case "and" | "&&" | "or" | "||" as symbol:
                goes_on = self.truth(left, node.left) is (symbol in {"and", "&&"})
                return self.value(node.right, frame) if goes_on else left
            case symbol:
                return operators.BINARY[symbol](left, self.value(node.right, frame))

    def truth(self, value: Value, node: Node) -> bool:
        if not isinstance(value, bool):
            raise ExpressionError(
                self.source, node.at, f"this is {kind(value)}.", "Expected true or false."
            )
        return value

    def member(self, node: Member, frame: _Frame) -> Value:
        owner = self.value(node.owner, frame)
        if owner is None and node.optional:
            raise _AbsentError
        return members.fetched(owner, self.value(node.key, frame))

    def chain(self, node: Chain, frame: _Frame) -> Value:
        try:
            return self.value(node.inner, frame)
        except _AbsentError:
            return None

    def slice(self, node: Slice, frame: _Frame) -> Value:
        owner = self.value(node.owner, frame)
        start, end = (part and self.value(part, frame) for part in (node.start, node.end))
        return members.sliced(owner, start, end)

    def builtin(self, node: Builtin, frame: _Frame) -> Value:
        if node.name in predicates.FUNCTIONS:
            return self.predicated(node, frame)
        arguments = [self.value(argument, frame) for argument in node.arguments]
        return call(node.name, library.FUNCTIONS[node.name], arguments, self.world)

    def predicated(self, node: Builtin, frame: _Frame) -> Value:
        function = predicates.FUNCTIONS[node.name]
        items = self.value(node.arguments[0], frame)
        if not isinstance(items, list):
            raise RefusedError(f"`{node.name}` takes an array, not {kind(items)}.")
        if len(node.arguments) == 1:
            return function(items, lambda **pointers: pointers["item"])
        body = node.arguments[1]
        inner = body.body if isinstance(body, Predicate) else body

        def tested(**pointers: Value) -> Value:
            named = {"" if name == "item" else name: value for name, value in pointers.items()}
            return self.value(inner, _Frame(frame.variables, named))

        more = [self.value(argument, frame) for argument in node.arguments[2:]]
        return function(items, tested, *more)

    def call(self, node: Call, frame: _Frame) -> Value:
        name = members.dotted(node.callee)
        callee = self.value(node.callee, frame)
        function = callable_value(callee)
        if function is None and callee is None and name.startswith("sprig."):
            known = nearest(name, [f"sprig.{known}" for known in sprig.FUNCTIONS])
            raise ExpressionError(self.source, node.at, f'there is no function "{name}".', known)
        if function is None:
            raise RefusedError(f"`{name}` is {kind(callee)}, not a function.")
        arguments = [self.value(argument, frame) for argument in node.arguments]
        return call(name, function, arguments, self.world, nil_is_zero=True)

    def let(self, node: Let, frame: _Frame) -> Value:
        variables = {**frame.variables, node.name: self.value(node.value, frame)}
        return self.value(node.body, _Frame(variables, frame.pointers))

    def sequence(self, node: Sequence, frame: _Frame) -> Value:
        return [self.value(part, frame) for part in node.nodes][-1]

    def conditional(self, node: Conditional, frame: _Frame) -> Value:
        holds = self.truth(self.value(node.condition, frame), node.condition)
        return self.value(node.then if holds else node.otherwise, frame)

    def array(self, node: Array, frame: _Frame) -> Value:
        return [self.value(item, frame) for item in node.nodes]

    def map(self, node: Map, frame: _Frame) -> Value:
        pairs = [
            (self.value(pair.key, frame), self.value(pair.value, frame)) for pair in node.pairs
        ]
        for key, _ in pairs:
            if not isinstance(key, str):
                raise RefusedError(f"a key is {kind(key)}, not string.")
        return dict(reversed(pairs))  # of two equal keys, Go keeps the first


_RULES: dict[type, Callable[..., Value]] = {
    Literal: _Evaluation.literal,
    Name: _Evaluation.name,
    Pointer: _Evaluation.pointer,
    Unary: _Evaluation.unary,
    Binary: _Evaluation.binary,
    Member: _Evaluation.member,
    Chain: _Evaluation.chain,
    Slice: _Evaluation.slice,
    Builtin: _Evaluation.builtin,
    Call: _Evaluation.call,
    Let: _Evaluation.let,
    Sequence: _Evaluation.sequence,
    Conditional: _Evaluation.conditional,
    Array: _Evaluation.array,
    Map: _Evaluation.map,
}
