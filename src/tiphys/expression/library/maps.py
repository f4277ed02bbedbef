"""Maps. Go gives their keys in random order, we in alphabetical order."""

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.library.arrays import items_of
from tiphys.expression.text import shown
from tiphys.expression.values import AnyMap, Value, kind


def _pairs(name: str, value: Value) -> list[tuple[Value, Value]]:
    if not isinstance(value, dict):
        raise RefusedError(f"`{name}` takes a map, not {kind(value)}.")
    return sorted(value.items(), key=lambda pair: shown(pair[0]))


def keys(value: object) -> list[Value]:
    return [key for key, _ in _pairs("keys", value)]


def values(value: object) -> list[Value]:
    return [item for _, item in _pairs("values", value)]


def to_pairs(value: object) -> list[Value]:
    return [[key, item] for key, item in _pairs("toPairs", value)]


def from_pairs(pairs: object) -> AnyMap:
    built = AnyMap()
    for pair in items_of("fromPairs", pairs):
        if not isinstance(pair, list) or len(pair) != 2 or isinstance(pair[0], list | dict):
            raise RefusedError(f"{shown(pair)} is no pair of a key and a value.")
        built[pair[0]] = pair[1]
    return built


FUNCTIONS: dict[str, Function] = {
    "keys": keys,
    "values": values,
    "toPairs": to_pairs,
    "fromPairs": from_pairs,
}
