"""The syntax tree of expr-lang. Every node knows the offset (`at`) it is blamed at."""

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Literal:
    value: object
    """None, a bool, an int, a float or a str."""
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """`#`, `.` or `#acc` inside a predicate."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """`owner.key` or `owner[key]`; optional: `owner?.key`, nil when the owner is."""

    owner: "Node"
    key: "Node"
    optional: bool
    at: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole of `a?.b.c`: nil as soon as one optional owner is."""

    inner: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Slice:
    owner: "Node"
    start: "Node | None"
    end: "Node | None"
    at: int


@dataclass(frozen=True, slots=True)
class Builtin:
    """A call of one of the language's own functions; `arguments` may hold predicates."""

    name: str
    arguments: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Predicate:
    body: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    callee: "Name | Member"
    arguments: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Let:
    name: str
    value: "Node"
    body: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Sequence:
    nodes: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Conditional:
    condition: "Node"
    then: "Node"
    otherwise: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Array:
    nodes: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Map:
    pairs: "tuple[Pair, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Pair:
    key: "Node"
    value: "Node"
    at: int


Node = (
    Literal
    | Name
    | Pointer
    | Unary
    | Binary
    | Member
    | Chain
    | Slice
    | Builtin
    | Predicate
    | Call
    | Let
    | Sequence
    | Conditional
    | Array
    | Map
    | Pair
)


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below *node*, in the order they were written."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """Yield *node* and everything below it, children first. A long chain needs no deep stack."""
    waiting: list[tuple[Node, bool]] = [(node, False)]
    while waiting:
        current, entered = waiting.pop()
        if entered:
            yield current
        else:
            waiting.append((current, True))
            waiting += [(child, False) for child in reversed(list(children(current)))]


def spine(node: Binary) -> tuple[Node, list[Binary]]:
    """Return the leftmost operand of a chain such as `a + b + c` and its operators in order."""
    operators: list[Binary] = []
    leftmost: Node = node
    while isinstance(leftmost, Binary):
        operators.append(leftmost)
        leftmost = leftmost.left
    return leftmost, operators[::-1]
