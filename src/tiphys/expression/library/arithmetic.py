"""Numbers: conversion, rounding, extremes, bits."""

import math
import re
from collections.abc import Callable, Iterator

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.text import shown
from tiphys.expression.values import (
    Duration,
    Value,
    is_integer,
    is_number,
    kind,
    less,
    truncated,
    wrapped,
)

FLOAT = re.compile(
    r"[+-]?(?:(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)", re.IGNORECASE | re.ASCII
)


def to_int(value: object) -> int:
    """Text must be a decimal integer: no blanks, no fraction."""
    match value:
        case bool():
            pass
        case int():
            return int(value)
        case float():
            return truncated(value)
        case Duration():
            return value.nanoseconds
        case str() if re.fullmatch(r"[+-]?[0-9]+", value) and -(2**63) <= int(value) < 2**63:
            return int(value)
    raise RefusedError(f"`{_quoted(value)}` is no integer.")


def to_float(value: object) -> float:
    if is_number(value) or (isinstance(value, str) and FLOAT.fullmatch(value)):
        return float(value)  # type: ignore[arg-type]  # a number, or text of one
    raise RefusedError(f"`{_quoted(value)}` is no number.")


def _quoted(value: Value) -> str:
    return shown(value) if isinstance(value, str | int | float | None) else kind(value)


def _number(name: str, value: Value) -> float:
    if not is_number(value):
        raise RefusedError(f"`{name}` takes a number, not {kind(value)}.")
    return value  # type: ignore[return-value]  # a number


def absolute(value: object) -> int | float:
    return abs(_number("abs", value))


def _rounding(name: str, round_: Callable[[float], float]) -> Function:
    def rounded(value: object) -> float:
        number = float(_number(name, value))
        return round_(number) if math.isfinite(number) else number

    return rounded


def half_away(number: float) -> float:
    """Round half away from zero, as Go does."""
    whole = math.trunc(number)
    return float(whole + math.copysign(abs(number - whole) >= 0.5, number))


def _flat(name: str, values: tuple[Value, ...]) -> Iterator[float]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(name, tuple(value))
        else:
            yield _number(name, value)


def _extreme(name: str, better: Callable[[Value, Value], bool]) -> Function:
    def chosen(first: object, *others: object) -> Value:
        best: Value = None
        for number in _flat(name, (first, *others)):
            if best is None or better(number, best):
                best = number
        return best

    return chosen


def mean(first: object, *others: object) -> float:
    numbers = list(_flat("mean", (first, *others)))
    return sum(numbers) / len(numbers) if numbers else 0.0


def median(first: object, *others: object) -> float:
    numbers = sorted(_flat("median", (first, *others)))
    middle = len(numbers) // 2
    return (numbers[middle] + numbers[~middle]) / 2 if numbers else 0.0


def _bits(name: str, combine: Callable[[int, int], int]) -> Function:
    def combined(left: object, right: object) -> int:
        for side in (left, right):
            if not is_integer(side):
                raise RefusedError(f"`{name}` takes int, not {kind(side)}.")
        return wrapped(combine(left, right))  # type: ignore[arg-type]  # both are integers

    return combined


def _shift(direction: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def shifted(number: int, by: int) -> int:
        if by < 0:
            raise RefusedError(f"a shift by {by}; it cannot be negative.")
        return direction(number, min(by, 64))

    return shifted


def bit_not(number: int) -> int:
    return ~number


FUNCTIONS: dict[str, Function] = {
    "int": to_int,
    "float": to_float,
    "abs": absolute,
    "ceil": _rounding("ceil", lambda number: float(math.ceil(number))),
    "floor": _rounding("floor", lambda number: float(math.floor(number))),
    "round": _rounding("round", half_away),
    "max": _extreme("max", lambda number, best: less(best, number)),
    "min": _extreme("min", less),
    "mean": mean,
    "median": median,
    "bitand": _bits("bitand", lambda x, y: x & y),
    "bitor": _bits("bitor", lambda x, y: x | y),
    "bitxor": _bits("bitxor", lambda x, y: x ^ y),
    "bitnand": _bits("bitnand", lambda x, y: x & ~y),
    "bitshl": _bits("bitshl", _shift(lambda x, by: x << by)),
    "bitshr": _bits("bitshr", _shift(lambda x, by: x >> by)),
    "bitushr": _bits("bitushr", _shift(lambda x, by: x % 2**64 >> by)),
    "bitnot": bit_not,
}
