"""What is empty, and what stands in for it; what a value is."""

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Int64, Value, deep_equal, kind


def empty(value: object) -> bool:
    """Nil, false, 0, "", an empty list or map."""
    return value is None or (
        isinstance(value, bool | int | float | str | list | dict) and not value
    )


def default(fallback: object, *given: object) -> Value:
    return fallback if not given or empty(given[0]) else given[0]


def is_empty(value: object) -> bool:
    return empty(value)


def coalesce(*values: object) -> Value:
    return next((value for value in values if not empty(value)), None)


def every(*values: object) -> bool:
    return not any(map(empty, values))


def some(*values: object) -> bool:
    return not all(map(empty, values))


def ternary(then: object, otherwise: object, condition: bool) -> Value:  # noqa: FBT001  # sprig's
    return then if condition else otherwise


_TYPES = {
    "nil": "<nil>",
    "float": "float64",
    "array": "[]interface {}",
    "map": "map[string]interface {}",
}
_KINDS = {"nil": "invalid", "float": "float64", "array": "slice", "time.Time": "struct"} | {
    "time.Duration": "int64"
}


def type_of(value: object) -> str:
    return "int64" if isinstance(value, Int64) else _TYPES.get(kind(value), kind(value))


def kind_of(value: object) -> str:
    return "int64" if isinstance(value, Int64) else _KINDS.get(kind(value), kind(value))


def type_is(target: str, value: object) -> bool:
    return target == type_of(value)


def kind_is(target: str, value: object) -> bool:
    return target == kind_of(value)


def same(left: object, right: object) -> bool:
    return deep_equal(left, right)


def fail(message: str) -> Value:
    raise RefusedError(message)


FUNCTIONS: dict[str, Function] = {
    "all": every,
    "any": some,
    "coalesce": coalesce,
    "deepEqual": same,
    "default": default,
    "empty": is_empty,
    "fail": fail,
    "kindIs": kind_is,
    "kindOf": kind_of,
    "ternary": ternary,
    "typeIs": type_is,
    "typeIsLike": type_is,
    "typeOf": type_of,
}
