"""Maps with string keys. As in Go, `set` and `unset` change the map they are given."""

from copy import deepcopy

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.sprig.defaults import empty
from tiphys.expression.text import shown
from tiphys.expression.values import Value, kind

Map = dict[str, Value]


def made(*pairs: object) -> Map:
    """Keys and values in turn; a last key without a value gets ""."""
    padded = [*pairs, ""]
    return {shown(padded[at]): padded[at + 1] for at in range(0, len(pairs), 2)}


def get(owner: dict, key: str) -> Value:  # type: ignore[type-arg]  # checked by calls
    return owner.get(key, "")


def put(owner: dict, key: str, value: object) -> Map:  # type: ignore[type-arg]
    owner[key] = value
    return owner


def unset(owner: dict, key: str) -> Map:  # type: ignore[type-arg]
    owner.pop(key, None)
    return owner


def has_key(owner: dict, key: str) -> bool:  # type: ignore[type-arg]
    return key in owner


def pluck(key: str, *owners: dict) -> list[Value]:  # type: ignore[type-arg]
    return [owner[key] for owner in owners if key in owner]


def keys(*owners: dict) -> list[str]:  # type: ignore[type-arg]
    return [key for owner in owners for key in sorted(owner)]


def values(owner: dict) -> list[Value]:  # type: ignore[type-arg]
    return [owner[key] for key in sorted(owner)]


def pick(owner: dict, *wanted: str) -> Map:  # type: ignore[type-arg]
    return {key: owner[key] for key in wanted if key in owner}


def omit(owner: dict, *unwanted: str) -> Map:  # type: ignore[type-arg]
    return {key: value for key, value in owner.items() if key not in unwanted}


def merge(target: dict, *sources: dict) -> Map:  # type: ignore[type-arg]
    """Fill what is missing or empty in *target* from *sources*, the first of them first."""
    for source in sources:
        for key, value in source.items():
            below = target.get(key)
            if isinstance(below, dict) and isinstance(value, dict):
                merge(below, value)
            elif empty(below):
                target[key] = value
    return target


def merge_overwrite(target: dict, *sources: dict) -> Map:  # type: ignore[type-arg]
    for source in sources:
        for key, value in source.items():
            below = target.get(key)
            if isinstance(below, dict) and isinstance(value, dict):
                merge_overwrite(below, value)
            else:
                target[key] = value
    return target


def copied(value: object) -> Value:
    return deepcopy(value)


def dig(*arguments: object) -> Value:
    """`dig(key, …, default, map)`."""
    if len(arguments) < 3:
        raise RefusedError("`dig` takes at least one key, a default and a map.")
    *path, fallback, owner = arguments
    for key in path:
        if not isinstance(owner, dict) or not isinstance(key, str):
            raise RefusedError(
                f"`dig` looks for text in maps, not for {kind(key)} in {kind(owner)}."
            )
        if key not in owner:
            return fallback
        owner = owner[key]
    return owner


FUNCTIONS: dict[str, Function] = {
    "deepCopy": copied,
    "dict": made,
    "dig": dig,
    "get": get,
    "hasKey": has_key,
    "keys": keys,
    "merge": merge,
    "mergeOverwrite": merge_overwrite,
    "mustDeepCopy": copied,
    "mustMerge": merge,
    "mustMergeOverwrite": merge_overwrite,
    "omit": omit,
    "pick": pick,
    "pluck": pluck,
    "set": put,
    "unset": unset,
    "values": values,
}
