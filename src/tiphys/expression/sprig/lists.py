"""Lists: each function returns a new one."""

import math

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.library.arrays import items_of
from tiphys.expression.sprig.defaults import empty
from tiphys.expression.sprig.numeric import to_int
from tiphys.expression.values import Value, deep_equal


def made(*values: object) -> list[Value]:
    return [*values]


def appended(items: object, value: object) -> list[Value]:
    return [*items_of("append", items), value]


def prepended(items: object, value: object) -> list[Value]:
    return [value, *items_of("prepend", items)]


def first(items: object) -> Value:
    return next(iter(items_of("first", items)), None)


def last(items: object) -> Value:
    return next(reversed(items_of("last", items)), None)


def rest(items: object) -> Value:
    return items_of("rest", items)[1:] or _nothing(items)


def initial(items: object) -> Value:
    return items_of("initial", items)[:-1] or _nothing(items)


def _nothing(items: Value) -> Value:
    """The rest of an empty list is nil, that of a list of one is empty."""
    return [] if items else None


def reverse(items: object) -> list[Value]:
    return items_of("reverse", items)[::-1]


def compact(items: object) -> list[Value]:
    return [item for item in items_of("compact", items) if not empty(item)]


def uniq(items: object) -> list[Value]:
    kept: list[Value] = []
    for item in items_of("uniq", items):
        if not _among(item, kept):
            kept.append(item)
    return kept


def _among(value: Value, items: list[Value]) -> bool:
    return any(deep_equal(value, item) for item in items)


def without(items: object, *omitted: object) -> list[Value]:
    return [item for item in items_of("without", items) if not _among(item, [*omitted])]


def has(value: object, items: object) -> bool:
    return items is not None and _among(value, items_of("has", items))


def sliced(items: object, *bounds: object) -> Value:
    found = items_of("slice", items)
    start, end = (*map(to_int, bounds), 0, len(found))[:2] if bounds else (0, len(found))
    if len(bounds) == 1:
        end = len(found)
    if found and not 0 <= start <= end <= len(found):
        raise RefusedError(f"items {start} to {end} of {len(found)}.")
    return found[start:end] if found else None


def concat(*lists: object) -> Value:
    return [item for items in lists for item in items_of("concat", items)] or None


def chunk(size: int, items: object) -> list[Value]:
    found = items_of("chunk", items)
    if size <= 0:
        raise RefusedError(f"chunks of {size}.")
    count = math.ceil(len(found) / size)
    return [found[index * size : (index + 1) * size] for index in range(count)]


_EITHER: dict[str, Function] = {
    "append": appended,
    "chunk": chunk,
    "compact": compact,
    "first": first,
    "has": has,
    "initial": initial,
    "last": last,
    "prepend": prepended,
    "push": appended,
    "rest": rest,
    "reverse": reverse,
    "slice": sliced,
    "uniq": uniq,
    "without": without,
}
FUNCTIONS: dict[str, Function] = {
    **_EITHER,
    **{f"must{name[0].upper()}{name[1:]}": function for name, function in _EITHER.items()},
    "concat": concat,
    "list": made,
    "tuple": made,
}
