"""The built-ins that take a predicate. Each gets the items and a `tested(item=…)` to call."""

from collections.abc import Callable, Iterator
from functools import cmp_to_key, partial, reduce

from tiphys.expression.faults import RefusedError
from tiphys.expression.operators import add
from tiphys.expression.values import AnyMap, Value, kind, less

Tested = Callable[..., Value]
Items = list[Value]


def _truths(items: Items, tested: Tested) -> Iterator[bool]:
    for item in items:
        truth = tested(item=item)
        if not isinstance(truth, bool):
            raise RefusedError(f"the predicate gives {kind(truth)}, not true or false.")
        yield truth


def every(items: Items, tested: Tested) -> bool:
    return all(_truths(items, tested))


def some(items: Items, tested: Tested) -> bool:
    return any(_truths(items, tested))


def none(items: Items, tested: Tested) -> bool:
    return not any(_truths(items, tested))


def count(items: Items, tested: Tested) -> int:
    return sum(_truths(items, tested))


def one(items: Items, tested: Tested) -> bool:
    return count(items, tested) == 1


def filtered(items: Items, tested: Tested) -> Items:
    return [item for item, truth in zip(items, _truths(items, tested), strict=True) if truth]


def mapped(items: Items, tested: Tested) -> Items:
    return [tested(item=item, index=index) for index, item in enumerate(items)]


def _indices(items: Items, tested: Tested, step: int) -> Iterator[int]:
    order = range(len(items))[::step]
    truths = _truths(items[::step], tested)
    return (index for index, truth in zip(order, truths, strict=True) if truth)


def find(items: Items, tested: Tested, *, step: int = 1) -> Value:
    return next((items[index] for index in _indices(items, tested, step)), None)


def find_index(items: Items, tested: Tested, *, step: int = 1) -> Value:
    return next(_indices(items, tested, step), None)


def total(items: Items, tested: Tested) -> Value:
    zero: Value = 0
    return reduce(add, (tested(item=item) for item in items), zero)


def group_by(items: Items, tested: Tested) -> AnyMap:
    groups: dict[Value, Items] = {}
    for item in items:
        key = tested(item=item)
        if isinstance(key, list | dict):
            raise RefusedError(f"{kind(key)} is no key of a group.")
        groups.setdefault(key, []).append(item)
    return AnyMap(groups)


def sort_by(items: Items, tested: Tested, order: Value = "asc") -> Items:
    if order not in ("asc", "desc"):  # it may be a list
        raise RefusedError("the order is neither `asc` nor `desc`.")
    keyed = [(tested(item=item), item) for item in items]
    sign = -1 if order == "desc" else 1

    def compare(a: tuple[Value, Value], b: tuple[Value, Value]) -> int:
        return sign * (less(b[0], a[0]) - less(a[0], b[0]))

    return [item for _, item in sorted(keyed, key=cmp_to_key(compare))]


def reduced(items: Items, tested: Tested, *initial: Value) -> Value:
    if not items and not initial:
        raise RefusedError("an empty array without an initial value cannot be reduced.")
    start = 0 if initial else 1
    accumulated = initial[0] if initial else items[0]
    for index in range(start, len(items)):
        accumulated = tested(item=items[index], acc=accumulated, index=index)
    return accumulated


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "all": every,
    "none": none,
    "any": some,
    "one": one,
    "filter": filtered,
    "map": mapped,
    "count": count,
    "sum": total,
    "find": find,
    "findIndex": find_index,
    "findLast": partial(find, step=-1),
    "findLastIndex": partial(find_index, step=-1),
    "groupBy": group_by,
    "sortBy": sort_by,
    "reduce": reduced,
}
