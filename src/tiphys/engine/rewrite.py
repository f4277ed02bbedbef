"""Filling in tags: one pass over every text of a frozen value.

Argo substitutes on the JSON text of an object; the effect is the same, field by field, because
values are escaped there. This is where a large run spends its time: the walk goes by exact type,
and gives back the very object where nothing changes.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from tiphys.manifest.model import Item, Position

T = TypeVar("T")
Fill = Callable[[str], str]
JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_PLAIN = frozenset({type(None), bool, int, float, Position})
_LATE = "on_exit_arguments"
"""Filled in when the hook is called: the step's outputs are known then, a loop's item not."""
_FIELDS: dict[type, tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    """Return the fields of a dataclass that may hold texts; none of any other type, as enums."""
    if kind not in _FIELDS:
        known = fields(kind) if is_dataclass(kind) else ()
        _FIELDS[kind] = tuple(field.name for field in known if field.name != "at")
    return _FIELDS[kind]


def rewritten(value: T, fill: Fill) -> T:
    """Return *value* with *fill* applied to every text in it that holds a tag."""
    return _rewritten(value, fill)  # type: ignore[no-any-return]  # the walk keeps the type


def _rewritten(value: Any, fill: Fill) -> Any:
    kind = type(value)
    if kind is str:
        return fill(value) if "{{" in value else value
    if kind in _PLAIN or not value:
        return value
    if kind is tuple or kind is list:
        parts = [_rewritten(part, fill) for part in value]
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else kind(parts)
    if kind is dict:
        return {_rewritten(key, fill): _rewritten(part, fill) for key, part in value.items()}
    if kind is Item:
        return Item(json=in_json(value.json, fill)) if "{{" in value.json else value
    return _fields_rewritten(value, kind, fill)


def _fields_rewritten(value: Any, kind: type[Any], fill: Fill) -> Any:
    changed = {}
    for name in _names(kind):
        if name == _LATE:
            continue
        old = getattr(value, name)
        new = _rewritten(old, fill)
        if new is not old:
            changed[name] = new
    if not changed:
        return value
    kept = {name: getattr(value, name) for name in _names(kind) if name not in changed}
    if hasattr(value, "at"):
        kept["at"] = value.at
    return kind(**kept, **changed)


def in_json(text: str, fill: Fill) -> str:
    """Apply *fill* inside the strings of a JSON text, so that a value cannot break its syntax."""

    def part(match: re.Match[str]) -> str:
        if "{{" not in match[0]:
            return match[0]
        return json.dumps(fill(json.loads(match[0])), ensure_ascii=False)

    return JSON_STRING.sub(part, text)


def texts(value: Any) -> Iterator[str]:
    """Yield every text in *value*."""
    stack = [value]
    while stack:
        one = stack.pop()
        kind = type(one)
        if kind is str:
            yield one
        elif kind in _PLAIN or not one:
            continue
        elif kind is tuple or kind is list:
            stack.extend(one)
        elif kind is dict:
            stack.extend(one)
            stack.extend(one.values())
        else:
            stack.extend([getattr(one, name) for name in _names(kind)])


def tagged(value: Any) -> Iterator[str]:
    """Yield every text in *value* that holds a tag."""
    return (text for text in texts(value) if "{{" in text)
