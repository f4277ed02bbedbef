"""What can be known of types before an expression is evaluated, and what Go therefore refuses.

`retries == 1` is an error, for `retries` is a string; `lastRetry.exitCode == 1` is only false,
for what lies in a map may be anything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args, get_origin, get_type_hints

from tiphys.errors import nearest
from tiphys.expression import library, predicates
from tiphys.expression.faults import ExpressionError
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
    children,
    spine,
)
from tiphys.expression.values import Duration, Value, kind


@dataclass(frozen=True, slots=True)
class Type:
    """A kind of value, and for an array the type of its items. "any" is not known."""

    name: str
    item: "Type | None" = None

    def __str__(self) -> str:
        return self.name

    def any_of(self, names: Iterable[str]) -> bool:
        return self.name in names


ANY, NIL, BOOL, INT, FLOAT, STRING = map(Type, ("any", "nil", "bool", "int", "float", "string"))
MAP, TIME, DURATION = map(Type, ("map", "time.Time", "time.Duration"))
NUMBERS = ("int", "float")
_TEXTUAL = ("matches", "contains", "startsWith", "endsWith")
_OPERANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("or", "||", "and", "&&"), (("bool",),)),
    **dict.fromkeys(
        ("<", ">", "<=", ">="), (NUMBERS, ("string",), ("time.Time",), ("time.Duration",))
    ),
    **dict.fromkeys(("/", "**", "^"), (NUMBERS,)),
    **dict.fromkeys(("%", ".."), (("int",),)),
    **dict.fromkeys(_TEXTUAL, (("string",),)),
    "+": (NUMBERS, ("string",), ("time.Time", "time.Duration")),
    "-": (NUMBERS, ("time.Time", "time.Duration")),
    "*": ((*NUMBERS, "time.Duration"),),
}
"""Both operands of an operator are of one of these groups; what is not known may be."""
_RESULTS: dict[str, Type] = {
    **dict.fromkeys(("or", "||", "and", "&&", "<", ">", "<=", ">=", *_TEXTUAL), BOOL),
    **dict.fromkeys(("/", "**", "^"), FLOAT),
    "%": INT,
    "..": Type("array", INT),
}
_ANNOTATED: dict[object, Type] = {
    bool: BOOL,
    int: INT,
    float: FLOAT,
    str: STRING,
    datetime: TIME,
    Duration: DURATION,
}
_PREDICATED: dict[str, Type] = {
    **dict.fromkeys(("all", "any", "none", "one"), BOOL),
    **dict.fromkeys(("count", "findIndex", "findLastIndex"), INT),
}
_TRUTHS = ("all", "any", "none", "one", "filter", "count", "find", "findLast", "findIndex")
_POINTERS = {"map": {"index": INT}, "reduce": {"index": INT, "acc": ANY}}


@dataclass(frozen=True, slots=True)
class _Frame:
    variables: Mapping[str, Type]
    pointers: Mapping[str, Type]


def check(source: str, tree: Node, names: Mapping[str, Value]) -> None:
    """Raises: ExpressionError: an unknown name, or types of which Go knows that they do not fit."""
    known = {name: Type(kind(value)) for name, value in names.items()}
    _Checker(source, known).type(tree, _Frame({}, {}))


class _Checker:
    def __init__(self, source: str, names: Mapping[str, Type]) -> None:
        self.source, self.names = source, names

    def type(self, node: Node, frame: _Frame) -> Type:
        rule = _RULES.get(type(node))
        if rule is not None:
            return rule(self, node, frame)
        for child in children(node):
            self.type(child, frame)
        return _FIXED.get(type(node), ANY)

    def refuse(self, node: Node, found: str, advice: str = "") -> ExpressionError:
        return ExpressionError(self.source, node.at, found, advice)

    def literal(self, node: Literal, _frame: _Frame) -> Type:
        return Type(kind(node.value))

    def name(self, node: Name, frame: _Frame) -> Type:
        if node.name == "$env":
            return ANY
        known = {**self.names, **frame.variables}
        if node.name not in known:
            raise self.refuse(node, f'there is no name "{node.name}".', nearest(node.name, known))
        return known[node.name]

    def pointer(self, node: Pointer, frame: _Frame) -> Type:
        if node.name not in frame.pointers:
            raise self.refuse(node, f"`#{node.name}` has no meaning here.")
        return frame.pointers[node.name]

    def unary(self, node: Unary, frame: _Frame) -> Type:
        operand = self.type(node.operand, frame)
        wanted = ("bool",) if node.operator in {"!", "not"} else NUMBERS
        if not operand.any_of((*wanted, "any")):
            raise self.refuse(node, f"`{node.operator}` does not take {operand}.")
        return BOOL if "bool" in wanted else operand

    def binary(self, node: Binary, frame: _Frame) -> Type:
        leftmost, chain = spine(node)
        known = self.type(leftmost, frame)
        for link in chain:
            known = self.operated(link, known, self.type(link.right, frame))
        return known

    def operated(self, node: Binary, left: Type, right: Type) -> Type:
        match node.operator:
            case "??":
                return right if left == NIL else left if right in (NIL, left) else ANY
            case "==" | "!=":
                fits = _comparable(left, right)
            case "in":
                fits = _findable(left, right)
            case operator:
                fits = any(
                    left.any_of((*group, "any")) and right.any_of((*group, "any"))
                    for group in _OPERANDS[operator]
                )
        if not fits:
            raise self.refuse(node, f"`{node.operator}` does not take {left} and {right}.")
        if node.operator in {"+", "-", "*"}:
            return _promoted(left, right)
        return _RESULTS.get(node.operator, BOOL)

    def member(self, node: Member, frame: _Frame) -> Type:
        if node.owner == Name("$env", node.owner.at) and isinstance(node.key, Literal):
            return self.from_environment(node, str(node.key.value))
        owner, key = self.type(node.owner, frame), self.type(node.key, frame)
        if owner.name in {"any", "time.Time", "time.Duration"}:
            return ANY
        wanted = {"map": "string", "array": "int"}.get(owner.name)
        if wanted is None or not key.any_of((wanted, "any")):
            raise self.refuse(node, f"{owner} has no member by {key}.")
        return owner.item or ANY

    def from_environment(self, node: Member, name: str) -> Type:
        if name not in self.names and not node.optional:
            raise self.refuse(node, f'there is no name "{name}".', nearest(name, self.names))
        return self.names.get(name, ANY)

    def chain(self, node: Chain, frame: _Frame) -> Type:
        return self.type(node.inner, frame)

    def slice(self, node: Slice, frame: _Frame) -> Type:
        owner = self.type(node.owner, frame)
        if not owner.any_of(("string", "array", "any")):
            raise self.refuse(node, f"{owner} cannot be sliced.")
        for bound in (node.start, node.end):
            if bound is not None and not self.type(bound, frame).any_of(("int", "any")):
                raise self.refuse(bound, "a bound of a slice is an integer.")
        return owner

    def builtin(self, node: Builtin, frame: _Frame) -> Type:
        if node.name in predicates.FUNCTIONS:
            return self.predicated(node, frame)
        types = [self.type(argument, frame) for argument in node.arguments]
        if node.name == "get" and types and not types[0].any_of(("array", "map", "any")):
            raise self.refuse(node, f"{types[0]} has no members.")
        return _returned(library.FUNCTIONS[node.name])

    def predicated(self, node: Builtin, frame: _Frame) -> Type:
        items = self.type(node.arguments[0], frame)
        if not items.any_of(("array", "any")):
            raise self.refuse(node.arguments[0], f"`{node.name}` takes an array, not {items}.")
        item = items.item or ANY
        pointers = {"": item, **_POINTERS.get(node.name, {})}
        result = item
        for argument in node.arguments[1:]:
            inner = _Frame(frame.variables, pointers if isinstance(argument, Predicate) else {})
            if isinstance(argument, Predicate):
                result = self.type(argument.body, inner)
                if node.name in _TRUTHS and not result.any_of(("bool", "any")):
                    raise self.refuse(argument, f"the predicate gives {result}, not bool.")
            else:
                self.type(argument, frame)
        if node.name in _PREDICATED:
            return _PREDICATED[node.name]
        if node.name in {"map", "filter", "sortBy"}:
            return Type("array", result if node.name == "map" else item)
        return {"sum": result, "find": item, "findLast": item}.get(node.name, ANY)

    def call(self, node: Call, frame: _Frame) -> Type:
        callee = node.callee
        if isinstance(callee, Name) and not {callee.name} & {*self.names, *frame.variables}:
            functions = [*predicates.FUNCTIONS, *library.FUNCTIONS, *library.ARGO]
            found = f'there is no function "{callee.name}".'
            raise self.refuse(node, found, nearest(callee.name, functions))
        self.type(callee, frame)
        for argument in node.arguments:
            self.type(argument, frame)
        return ANY

    def let(self, node: Let, frame: _Frame) -> Type:
        taken = {*self.names, *frame.variables, *predicates.FUNCTIONS, *library.FUNCTIONS}
        if node.name in taken:
            raise self.refuse(node, f'"{node.name}" already has a meaning.')
        variables = {**frame.variables, node.name: self.type(node.value, frame)}
        return self.type(node.body, _Frame(variables, frame.pointers))

    def sequence(self, node: Sequence, frame: _Frame) -> Type:
        return [self.type(part, frame) for part in node.nodes][-1]

    def conditional(self, node: Conditional, frame: _Frame) -> Type:
        condition = self.type(node.condition, frame)
        if not condition.any_of(("bool", "any")):
            raise self.refuse(node.condition, f"this is {condition}.", "Expected true or false.")
        then, otherwise = self.type(node.then, frame), self.type(node.otherwise, frame)
        return otherwise if then == NIL else then if otherwise in (NIL, then) else ANY

    def array(self, node: Array, frame: _Frame) -> Type:
        items = {self.type(item, frame) for item in node.nodes}
        return Type("array", items.pop() if len(items) == 1 else ANY)


def _comparable(left: Type, right: Type) -> bool:
    loose = left.any_of(("any", "nil")) or right.any_of(("any", "nil"))
    return loose or left.name == right.name or (left.any_of(NUMBERS) and right.any_of(NUMBERS))


def _findable(needle: Type, place: Type) -> bool:
    match place.name:
        case "array":
            return _comparable(needle, place.item or ANY)
        case "map":
            return needle.any_of(("string", "any"))
        case "string":
            return needle == ANY
        case _:
            return place == ANY


def _promoted(left: Type, right: Type) -> Type:
    if left.any_of(NUMBERS) and right.any_of(NUMBERS):
        return INT if left == right == INT else FLOAT
    return left if left == right and left != TIME else ANY


def _returned(function: Callable[..., Value]) -> Type:
    annotation = get_type_hints(function)["return"]
    if get_origin(annotation) is list:
        return Type("array", _ANNOTATED.get(get_args(annotation)[0], ANY))
    return _ANNOTATED.get(annotation, ANY)


_FIXED: dict[type, Type] = {Map: MAP}
_RULES: dict[type, Callable[..., Type]] = {
    Literal: _Checker.literal,
    Name: _Checker.name,
    Pointer: _Checker.pointer,
    Unary: _Checker.unary,
    Binary: _Checker.binary,
    Member: _Checker.member,
    Chain: _Checker.chain,
    Slice: _Checker.slice,
    Builtin: _Checker.builtin,
    Call: _Checker.call,
    Let: _Checker.let,
    Sequence: _Checker.sequence,
    Conditional: _Checker.conditional,
    Array: _Checker.array,
}
