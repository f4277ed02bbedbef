"""Filling in tags: one pass over every text of a frozen value.

Argo substitutes on the JSON text of an object; the effect is the same, field by field, because
values are escaped there. Objects without a tag are returned as they are, at no cost.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

from tiphys.manifest.model import Item, Position

T = TypeVar("T")
Fill = Callable[[str], str]
JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    """Return the fields of a dataclass that can hold texts; asked for often, hence kept."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind) if field.name != "at")
    return _NAMES[kind]


def rewritten(value: T, fill: Fill) -> T:
    """Return *value* with *fill* applied to every text in it that holds a tag."""
    return _rewritten(value, fill)  # type: ignore[no-any-return]  # the walk keeps the type


def _rewritten(value: Any, fill: Fill) -> Any:
    if isinstance(value, str):
        plain = isinstance(value, Enum) or "{{" not in value
        return value if plain else fill(value)
    if value is None or isinstance(value, int | float | Position):
        return value
    if isinstance(value, Item):
        return Item(json=in_json(value.json, fill))
    if isinstance(value, Mapping):
        return {_rewritten(k, fill): _rewritten(v, fill) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_rewritten(part, fill) for part in value)
    return _fields_rewritten(value, fill)


def _fields_rewritten(value: Any, fill: Fill) -> Any:
    changed = {}
    for name in _names(type(value)):
        old = getattr(value, name)
        new = _rewritten(old, fill)
        if new is not old and new != old:
            changed[name] = new
    return _replaced(value, changed) if changed else value


def _replaced(value: Any, changed: Mapping[str, Any]) -> Any:
    kept = {field.name: getattr(value, field.name) for field in fields(value)}
    return type(value)(**{**kept, **changed})


def in_json(text: str, fill: Fill) -> str:
    """Apply *fill* inside the strings of a JSON text, so that a value cannot break its syntax."""

    def part(match: re.Match[str]) -> str:
        if "{{" not in match[0]:
            return match[0]
        return json.dumps(fill(json.loads(match[0])), ensure_ascii=False)

    return JSON_STRING.sub(part, text) if "{{" in text else text


def texts(value: Any) -> Iterator[str]:
    """Yield every text in *value*."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from texts(key)
            yield from texts(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from texts(part)
    elif is_dataclass(value) and not isinstance(value, Position | type):
        for name in _names(type(value)):
            yield from texts(getattr(value, name))


def tagged(value: Any) -> Iterator[str]:
    """Yield every text in *value* that holds a tag."""
    return (text for text in texts(value) if "{{" in text)
