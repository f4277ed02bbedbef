"""The operators of govaluate. The right operand comes uncomputed: some need only the left."""

import math
from collections.abc import Callable

from tiphys.expression import patterns
from tiphys.expression.faults import RefusedError
from tiphys.expression.govaluate.grammar import Kind
from tiphys.expression.operators import quotient, raised
from tiphys.expression.text import shown
from tiphys.expression.values import Value, deep_equal, kind, truncated, wrapped

Right = Callable[[], Value]
Binary = Callable[[Value, Right], Value]


def _refusal(symbol: str, value: Value, wanted: str) -> RefusedError:
    return RefusedError(f"`{symbol}` takes {wanted}, and `{shown(value)}` is {kind(value)}.")


def _float(symbol: str, value: Value) -> float:
    if not isinstance(value, float):
        raise _refusal(symbol, value, "a number")
    return value


def _bool(symbol: str, value: Value) -> bool:
    if not isinstance(value, bool):
        raise _refusal(symbol, value, "true or false")
    return value


def _arithmetic(symbol: str, calculate: Callable[[float, float], float]) -> Binary:
    def applied(left: Value, right: Right) -> Value:
        other = right()
        return calculate(_float(symbol, left), _float(symbol, other))

    return applied


def _bitwise(symbol: str, calculate: Callable[[int, int], int]) -> Binary:
    return _arithmetic(
        symbol, lambda left, right: float(wrapped(calculate(truncated(left), truncated(right))))
    )


def _ordering(symbol: str, compare: Callable[[int], bool]) -> Binary:
    def applied(left: Value, right: Right) -> Value:
        other = right()
        if isinstance(left, str) and isinstance(other, str):
            return compare((left > other) - (left < other))
        if isinstance(left, float) and isinstance(other, float):
            return compare((left > other) - (left < other)) and left == left and other == other  # noqa: PLR0124  # NaN
        raise RefusedError(
            f"`{symbol}` compares two numbers or two texts, not {kind(left)} and {kind(other)}."
        )

    return applied


def _add(left: Value, right: Right) -> Value:
    other = right()
    if isinstance(left, str) or isinstance(other, str):
        return shown(left) + shown(other)
    return _float("+", left) + _float("+", other)


def _matches(left: Value, right: Right) -> bool:
    other = right()
    if isinstance(left, str) and isinstance(other, str):
        return patterns.found(left, other)
    raise RefusedError(f"`=~` takes two texts, not {kind(left)} and {kind(other)}.")


def _in(left: Value, right: Right) -> bool:
    items = right()
    if not isinstance(items, list):
        advice = "`in` needs at least two values in parentheses"
        raise RefusedError(f"{advice}, and `{shown(items)}` is {kind(items)}.")
    return any(deep_equal(left, item) for item in items)


def _and(left: Value, right: Right) -> bool:
    return False if left is False else _both("&&", left, right())[1]


def _or(left: Value, right: Right) -> bool:
    return True if left is True else _both("||", left, right())[1]


def _both(symbol: str, left: Value, right: Value) -> tuple[bool, bool]:
    return _bool(symbol, left), _bool(symbol, right)


def _then(left: Value, right: Right) -> Value:
    return right() if _bool("?", left) else None


def _otherwise(left: Value, right: Right) -> Value:
    return right() if left is None else left


def _listed(left: Value, right: Right) -> list[Value]:
    return [*(left if isinstance(left, list) else [left]), right()]


def remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right and math.isfinite(left) else math.nan


BINARY: dict[str, Binary] = {
    "==": lambda left, right: deep_equal(left, right()),
    "!=": lambda left, right: not deep_equal(left, right()),
    "<": _ordering("<", lambda order: order < 0),
    "<=": _ordering("<=", lambda order: order <= 0),
    ">": _ordering(">", lambda order: order > 0),
    ">=": _ordering(">=", lambda order: order >= 0),
    "=~": _matches,
    "!~": lambda left, right: not _matches(left, right),
    "in": _in,
    "&&": _and,
    "||": _or,
    "?": _then,
    ":": _otherwise,
    "??": _otherwise,
    ",": _listed,
    "+": _add,
    "-": _arithmetic("-", lambda left, right: left - right),
    "*": _arithmetic("*", lambda left, right: left * right),
    "/": _arithmetic("/", quotient),
    "%": _arithmetic("%", remainder),
    "**": _arithmetic("**", raised),
    "&": _bitwise("&", lambda left, right: left & right),
    "|": _bitwise("|", lambda left, right: left | right),
    "^": _bitwise("^", lambda left, right: left ^ right),
    "<<": _bitwise("<<", lambda left, right: left << right if 0 <= right < 64 else 0),
    ">>": _bitwise(">>", lambda left, right: left % 2**64 >> right if 0 <= right < 64 else 0),
}
PREFIX: dict[str, Callable[[Value], Value]] = {
    "-": lambda value: -_float("-", value),
    "!": lambda value: not _bool("!", value),
    "~": lambda value: float(~truncated(_float("~", value))),
}
SYMBOLS: dict[str, Kind] = {
    **dict.fromkeys(("&&", "||"), Kind.LOGICAL),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "=~", "!~"), Kind.COMPARATOR),
    **dict.fromkeys(("?", ":", "??"), Kind.TERNARY),
    **dict.fromkeys(("+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>"), Kind.MODIFIER),
}
