"""Which names an expression refers to."""

from functools import lru_cache

from tiphys.expression.evaluator import ARGO, FUNCTIONS
from tiphys.expression.faults import ExpressionError
from tiphys.expression.parser import parse
from tiphys.expression.syntax import (
    Binary,
    Call,
    Chain,
    Let,
    Literal,
    Member,
    Name,
    Node,
    children,
    walk,
)


@lru_cache(maxsize=4096)
def read(source: str) -> tuple[str, ...]:
    """Return every name and every path that *source* cannot do without, shorter paths included.

    A path left of `??` may be missing, and so may what stands before `?.`; the first word may not.

    Raises: ExpressionError: *source* cannot be parsed.
    """
    tree = parse(source, FUNCTIONS)
    guarded = {id(node) for root in walk(tree) for node in _guarded(root)}
    names = (path(node) for node in walk(tree) if id(node) not in guarded)
    return tuple(dict.fromkeys(name for name in names if name))


def _guarded(node: Node) -> list[Node]:
    match node:
        case Binary("??", left):
            return [part for part in walk(left) if isinstance(part, Member)]
        case Member(Member() as owner, _, True):
            return [owner]
        case _:
            return []


def path(node: Node) -> str:
    """Return the dotted path that *node* is, "" if it is none."""
    match node:
        case Name(name):
            return name
        case Member(owner, Literal(str(key)), False) if above := path(owner):
            return f"{above}.{key}"
        case _:
            return ""


@lru_cache(maxsize=4096)
def paths(source: str) -> frozenset[str]:
    """Return the longest paths in *source*, `?.` and the left of `??` included.

    Functions and the variables of `let` are none. Nothing, if *source* cannot be parsed.
    """
    try:
        tree = parse(source, FUNCTIONS)
    except ExpressionError:
        return frozenset()
    names: set[str] = set()
    own = {"$env"} | {node.name for node in walk(tree) if isinstance(node, Let)}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Call) and _any_path(node.callee).partition(".")[0] in ARGO:
            waiting += node.arguments
        elif name := _any_path(node):
            names.add(name)
        else:
            waiting += children(node)
    return frozenset(name for name in names if name.partition(".")[0] not in own)


def _any_path(node: Node) -> str:
    match node:
        case Name(name):
            return name
        case Chain(inner):
            return _any_path(inner)
        case Member(owner, Literal(str(key))) if above := _any_path(owner):
            return f"{above}.{key}"
        case _:
            return ""
