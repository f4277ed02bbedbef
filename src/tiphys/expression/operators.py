"""The binary and unary operators of expr-lang, on values."""

import math
import operator
from collections.abc import Callable
from datetime import datetime
from functools import partial

from tiphys.expression import moments, patterns
from tiphys.expression.faults import RefusedError
from tiphys.expression.values import (
    AnyMap,
    Duration,
    Value,
    equal,
    integer,
    is_integer,
    is_number,
    kind,
    less,
    wrapped,
)

LARGEST_RANGE = 1_000_000
"""Items: expr-lang's memory budget."""


def mismatch(symbol: str, left: Value, right: Value) -> RefusedError:
    return RefusedError(f"`{symbol}` does not take {kind(left)} and {kind(right)}.")


def _numeric(
    symbol: str, calculate: Callable[[float, float], float], left: Value, right: Value
) -> Value:
    if is_number(left) and is_number(right):
        result = calculate(left, right)  # type: ignore[arg-type]  # both are numbers
        return wrapped(result) if isinstance(result, int) else result
    raise mismatch(symbol, left, right)


def add(left: Value, right: Value) -> Value:
    match left, right:
        case str(), str():
            return left + right
        case (datetime(), Duration()):
            return moments.later(left, right)
        case (Duration(), datetime()):
            return moments.later(right, left)
        case Duration(), Duration():
            return Duration(wrapped(left.nanoseconds + right.nanoseconds))
        case _:
            return _numeric("+", operator.add, left, right)


def subtract(left: Value, right: Value) -> Value:
    match left, right:
        case datetime(), datetime():
            return moments.between(right, left)
        case datetime(), Duration():
            return moments.later(left, Duration(-right.nanoseconds))
        case Duration(), Duration():
            return Duration(wrapped(left.nanoseconds - right.nanoseconds))
        case _:
            return _numeric("-", operator.sub, left, right)


def multiply(left: Value, right: Value) -> Value:
    """A duration times an integer is a duration; times a float it is nanoseconds."""
    if isinstance(left, Duration) or isinstance(right, Duration):
        product = _numeric("*", operator.mul, _plain(left), _plain(right))
        return Duration(product) if isinstance(product, int) else product
    return _numeric("*", operator.mul, left, right)


def _plain(factor: Value) -> Value:
    return factor.nanoseconds if isinstance(factor, Duration) else factor


def divide(left: Value, right: Value) -> Value:
    """Always a float; by zero it is infinite or NaN."""
    return _numeric("/", quotient, left, right)


def quotient(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left)


def remainder(left: Value, right: Value) -> Value:
    """The sign is the dividend's, as in Go."""
    if not (is_integer(left) and is_integer(right)):
        raise mismatch("%", left, right)
    dividend, divisor = integer(left), integer(right)
    if divisor == 0:
        raise RefusedError("integer division by zero.")
    rest = abs(dividend) % abs(divisor)
    return -rest if dividend < 0 else rest


def power(left: Value, right: Value) -> Value:
    return _numeric("**", raised, left, right)


def raised(base: float, exponent: float) -> float:
    try:
        result = float(base) ** float(exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ZeroDivisionError:
        return math.inf
    return math.nan if isinstance(result, complex) else result


def contained(left: Value, right: Value) -> bool:
    match right:
        case None:
            return False
        case list():
            return any(equal(item, left) for item in right)
        case AnyMap() if not isinstance(left, list | dict):
            return left in right
        case dict() if left is None or isinstance(left, str):
            return (left or "") in right
        case _:
            raise RefusedError(f"`in` does not look for {kind(left)} in {kind(right)}.")


def interval(left: Value, right: Value) -> list[Value]:
    """`1..3`: both ends belong to it."""
    first, last = integer(left), integer(right)
    if last - first >= LARGEST_RANGE:
        raise RefusedError(f"a range of more than {LARGEST_RANGE:,} numbers.")
    return list(range(first, last + 1))


def _textual(symbol: str, test: Callable[[str, str], bool], left: Value, right: Value) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, str) and isinstance(right, str):
        return test(left, right)
    raise mismatch(symbol, left, right)


def negate(value: Value) -> Value:
    if isinstance(value, Duration) or not is_number(value):
        raise RefusedError(f"`-` does not take {kind(value)}.")
    return -value  # type: ignore[operator]  # a number


def invert(value: Value) -> bool:
    if not isinstance(value, bool):
        raise RefusedError(f"`not` does not take {kind(value)}.")
    return not value


UNARY: dict[str, Callable[[Value], Value]] = {
    "not": invert,
    "!": invert,
    "-": negate,
    "+": lambda value: value,
}
BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": lambda left, right: less(left, right) or equal(left, right),
    ">=": lambda left, right: less(right, left) or equal(left, right),
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "**": power,
    "^": power,
    "..": interval,
    "in": contained,
    "matches": partial(_textual, "matches", patterns.found),
    "contains": partial(_textual, "contains", operator.contains),
    "startsWith": partial(_textual, "startsWith", str.startswith),
    "endsWith": partial(_textual, "endsWith", str.endswith),
}
