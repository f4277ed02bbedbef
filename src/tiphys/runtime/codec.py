"""Events as JSON, by their types: a field at its default is left out, a datetime is RFC 3339."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from tiphys.engine.events import Event

EVENTS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(Event)}


def encode_event(event: Event) -> dict[str, Any]:
    """Return *event* as a JSON object; `event` names its type."""
    return {"event": type(event).__name__, **_encode(event)}


def decode_event(raw: Mapping[str, Any]) -> Event:
    """Return the event that `encode_event` gave *raw* for.

    Raises: KeyError, TypeError, ValueError: *raw* is no event.
    """
    fields = dict(raw)
    event: Event = _decode(EVENTS[fields.pop("event")], fields)
    return event


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _encode(content)
            for field in dataclasses.fields(value)
            if (content := getattr(value, field.name)) != _default(field)
        }
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _encode(content) for key, content in value.items()}
    return value


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _decode(kind: Any, raw: Any) -> Any:
    if raw is None or kind is Any:
        return raw
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _decode(hints[name], content) for name, content in raw.items()})
    if kind is datetime:
        return datetime.fromisoformat(raw)
    if get_origin(kind) is Mapping:
        content_kind = get_args(kind)[1]
        return {key: _decode(content_kind, content) for key, content in raw.items()}
    if get_origin(kind) in {Union, types.UnionType}:
        (content_kind,) = (part for part in get_args(kind) if part is not types.NoneType)
        return _decode(content_kind, raw)
    return raw


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
