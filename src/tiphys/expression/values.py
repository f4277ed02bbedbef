"""Values as Go has them: what their types are called, when they are equal, how they compare.

nil, bool, int (64 bits), float, string, lists and maps are Python's own. A time is an aware
`datetime`, a time zone a `tzinfo`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from tiphys.expression.faults import RefusedError

Value = object


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    nanoseconds: int


class AnyMap(dict[object, object]):
    """A map whose keys are no strings for Go (`groupBy`, `fromPairs`): it has no JSON."""


class Int64(int):
    """An int64: sprig's arithmetic returns it, and it is no `int` where a function asks for one."""


_KINDS: tuple[tuple[type, str], ...] = (
    (type(None), "nil"),
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (str, "string"),
    (list, "array"),
    (dict, "map"),
    (datetime, "time.Time"),
    (Duration, "time.Duration"),
    (tzinfo, "time.Location"),
)


def kind(value: Value) -> str:
    """Return the name of *value*'s type, as `type()` gives it."""
    return next((name for type_, name in _KINDS if isinstance(value, type_)), "func")


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def wrapped(number: int) -> int:
    """Return *number* as 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


def truncated(number: float) -> int:
    """Return the integer part; what 64 bits cannot hold becomes the least integer, as on amd64."""
    fits = math.isfinite(number) and -(2.0**63) <= number < 2.0**63
    return int(number) if fits else -(2**63)


def integer(value: Value) -> int:
    """Return a number as an integer. Raises: RefusedError: *value* is no number."""
    if is_integer(value):
        return int(value)  # type: ignore[call-overload, no-any-return]  # an int, checked above
    if isinstance(value, float):
        return truncated(value)
    raise RefusedError(f"{kind(value)} is no integer.")


def equal(left: Value, right: Value) -> bool:
    """Numbers are equal across types, and so are the numbers in lists; nothing else is coerced."""
    if is_number(left) and is_number(right):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return deep_equal(left, right)


def deep_equal(left: Value, right: Value) -> bool:
    """Go's reflect.DeepEqual: 1 and 1.0 differ."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(deep_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            deep_equal(value, right[key]) for key, value in left.items()
        )
    return left == right


def less(left: Value, right: Value) -> bool:
    """Raises: RefusedError: the two have no common order."""
    for orderable in (is_number, _is(str), _is(datetime), _is(Duration)):
        if orderable(left) and orderable(right):
            return bool(left < right)  # type: ignore[operator]  # both of one kind
    raise RefusedError(f"{kind(left)} and {kind(right)} have no order.")


def _is(wanted: type) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, wanted)
