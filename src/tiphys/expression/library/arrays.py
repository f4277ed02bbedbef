"""Arrays, and `len`, which counts characters, items and keys alike."""

from collections.abc import Sequence
from functools import cmp_to_key

from tiphys.expression import members
from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Value, equal, kind, less


def length(value: object) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    raise RefusedError(f"`len` takes a string, an array or a map, not {kind(value)}.")


def items_of(name: str, value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise RefusedError(f"`{name}` takes an array, not {kind(value)}.")
    return value


def first(items: object) -> Value:
    return members.found(items, 0)


def last(items: object) -> Value:
    return members.found(items, -1)


def get(owner: object, key: object) -> Value:
    return members.found(owner, key)


def take(items: object, most: int) -> list[Value]:
    if most < 0:
        raise RefusedError(f"`take` cannot take {most} items.")
    return items_of("take", items)[:most]


def reverse(items: object) -> list[Value]:
    return items_of("reverse", items)[::-1]


def uniq(items: object) -> list[Value]:
    kept: list[Value] = []
    for item in items_of("uniq", items):
        if not any(equal(item, other) for other in kept):
            kept.append(item)
    return kept


def concat(first: object, *others: object) -> list[Value]:
    return [item for part in (first, *others) for item in items_of("concat", part)]


def flatten(items: object) -> list[Value]:
    flat: list[Value] = []
    for item in items_of("flatten", items):
        flat += flatten(item) if isinstance(item, list) else [item]
    return flat


def in_order(items: Sequence[Value]) -> list[Value]:
    return sorted(items, key=cmp_to_key(lambda a, b: less(b, a) - less(a, b)))


def sort(items: object, order: str = "asc") -> list[Value]:
    if order not in {"asc", "desc"}:
        raise RefusedError(f"the order is `{order}`, neither `asc` nor `desc`.")
    ordered = in_order(items_of("sort", items))
    return ordered if order == "asc" else ordered[::-1]


FUNCTIONS: dict[str, Function] = {
    "len": length,
    "first": first,
    "last": last,
    "get": get,
    "take": take,
    "reverse": reverse,
    "uniq": uniq,
    "concat": concat,
    "flatten": flatten,
    "sort": sort,
}
