"""Trees to the dataclasses of `model`, by their type hints: no table of fields.

Decoding is total. What does not fit is left out, since `check` has named it already: text where
a list belongs is an empty list, a missing name is "".
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from enum import StrEnum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tiphys.manifest import model, scalar, tree
from tiphys.manifest.model import Json, Position
from tiphys.manifest.support import Level, artifact, template

_Decode = Callable[[tree.Value], Any]


def decode_template(raw: Json) -> model.Template:
    """Return a template from JSON, such as one with `templateDefaults` merged into it."""
    return decode(model.Template, tree.of(raw))


T = TypeVar("T")


def decode(type_: type[T], value: tree.Value) -> T:
    """Return *value* as a *type_*, a dataclass of `model`."""
    return cast("T", _dataclass(type_, value))


@dataclass(frozen=True, slots=True)
class _Field:
    """How one attribute of a dataclass is filled: from the field *key*, or from the mapping."""

    name: str
    key: str
    decode: _Decode
    required: bool
    whole: bool


@cache
def _decoder(hint: Any) -> _Decode:
    """Return what decodes a value that is not null to *hint*."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        some = next(each for each in arguments if each is not NoneType)
        return _nonempty if some is str else _decoder(some)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if origin is tuple:
        return partial(_tuple, _decoder(arguments[0]))
    if origin is Mapping:
        return partial(_mapping, _decoder(arguments[1]))
    return partial(_enum if issubclass(hint, StrEnum) else _dataclass, hint)


def text(value: tree.Value) -> str:
    if not isinstance(value, tree.Scalar):
        return ""
    return (
        value.text if scalar.is_surprising_boolean(value.text) else scalar.any_string(value.value)
    )


def _nonempty(value: tree.Value) -> str | None:
    """To Go, an empty string is an absent one, but for parameters' values."""
    return text(value) or None


def _whole(value: tree.Value) -> int | None:
    number = value.value if isinstance(value, tree.Scalar) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _flag(value: tree.Value) -> bool:
    return isinstance(value, tree.Scalar) and value.value is True


def _item(value: tree.Value) -> model.Item:
    return model.Item(json=scalar.go_json(tree.plain(value)))


def _archive(value: tree.Value) -> model.Archive | None:
    """`{none: {}}` is written as a mapping with one of three names."""
    keys = value.entries if isinstance(value, tree.Mapping) else {}
    return next((model.Archive(each) for each in ("none", "zip", "tar") if each in keys), None)


_SCALARS: dict[Any, _Decode] = {
    str: text,
    int: _whole,
    bool: _flag,
    Any: tree.plain,
    model.Item: _item,
    model.Archive: _archive,
}


def _tuple(decode: _Decode, value: tree.Value) -> tuple[Any, ...]:
    items = value.items if isinstance(value, tree.Sequence) else ()
    return tuple(decode(each) for each in items)


def _mapping(decode: _Decode, value: tree.Value) -> dict[str, Any]:
    entries = value.entries if isinstance(value, tree.Mapping) else {}
    return {key: decode(entry.value) for key, entry in entries.items()}


def _enum(type_: type[StrEnum], value: tree.Value) -> StrEnum | None:
    return next((each for each in type_ if each.value == text(value)), None)


def _dataclass(type_: type, value: tree.Value) -> Any:
    mapping = value if isinstance(value, tree.Mapping) else tree.Mapping(at=value.at)
    attributes = {}
    for each in _fields(type_):
        given = mapping if each.whole else mapping.get(each.key)
        if not tree.is_null(given):
            attributes[each.name] = each.decode(given)
        elif each.required:
            attributes[each.name] = each.decode(tree.NULL)
    return type_(**attributes)


@cache
def _fields(type_: type) -> tuple[_Field, ...]:
    hints = get_type_hints(type_)
    made = []
    for each in fields(type_):
        special = _SPECIAL.get((type_, each.name)) or _SPECIAL.get((object, each.name))
        plain = text if (type_, each.name) in _EMPTY_COUNTS else _decoder(hints[each.name])
        required = each.default is MISSING and each.default_factory is MISSING
        key = _KEYS.get((type_, each.name), _camel_case(each.name))
        made.append(_Field(each.name, key, special or plain, required, special is not None))
    return tuple(made)


def _camel_case(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def _position(value: tree.Value) -> Position:
    return value.at


def _container(value: tree.Value) -> model.Container | None:
    """A script is a container with a source, even an empty one."""
    if not tree.is_null(script := get(value, "script")):
        made = decode(model.Container, script)
        return replace(made, source=made.source or "")
    container = get(value, "container")
    return None if tree.is_null(container) else decode(model.Container, container)


def _location(value: tree.Value) -> Mapping[str, Json] | None:
    given = {key: tree.plain(get(value, key)) for key in _STORES}
    return {key: each for key, each in given.items() if each is not None} or None


def _pod(value: tree.Value) -> Mapping[str, Json]:
    given = {key: tree.plain(get(value, key)) for key in _POD_FIELDS}
    return {key: each for key, each in given.items() if each is not None}


def _exit_hook(value: tree.Value) -> str | None:
    """`onExit` beats `hooks.exit` (rule 52)."""
    return text(get(value, "onExit")) or text(get(value, "hooks", "exit", "template")) or None


def _exit_arguments(value: tree.Value) -> model.Arguments:
    """Only a hook has arguments of its own."""
    given = tree.NULL if text(get(value, "onExit")) else get(value, "hooks", "exit", "arguments")
    return decode(model.Arguments, given)


def _metadata(name: str, value: tree.Value) -> Mapping[str, str]:
    """A template's own annotations, and those of its pods."""
    return {**texts(get(value, "metadata", name)), **texts(get(value, name))}


def _workflow_metadata(name: str, value: tree.Value) -> Mapping[str, str]:
    return texts(get(value, "workflowMetadata", name))


def _labels_from(value: tree.Value) -> Mapping[str, str]:
    return _mapping(
        lambda each: text(get(each, "expression")), get(value, "workflowMetadata", "labelsFrom")
    )


def get(value: tree.Value, *path: str) -> tree.Value:
    for key in path:
        value = value.get(key) if isinstance(value, tree.Mapping) else tree.NULL
    return value


texts = partial(_mapping, text)
_STORES = tuple(key for key in artifact.ARTIFACT_LOCATION if key != "archiveLogs")
_POD_FIELDS = frozenset(key for key, row in template.TEMPLATE.items() if row.level is Level.IGNORED)

_KEYS: dict[tuple[type, str], str] = {(model.RetryStrategy, "policy"): "retryPolicy"}
"""Attributes whose name is not the field's in snake case."""

_EMPTY_COUNTS = {
    (model.Parameter, "value"),
    (model.Parameter, "default"),
    (model.ValueFrom, "default"),
}
"""Text that may be given as empty; elsewhere Go takes "" for absent."""

_SPECIAL: dict[tuple[type, str], _Decode] = {
    (object, "at"): _position,
    (model.Call, "on_exit"): _exit_hook,
    (model.WorkflowSpec, "on_exit"): _exit_hook,
    (model.Call, "on_exit_arguments"): _exit_arguments,
    (model.WorkflowSpec, "on_exit_arguments"): _exit_arguments,
    (model.WorkflowSpec, "workflow_metadata_labels"): partial(_workflow_metadata, "labels"),
    (model.WorkflowSpec, "workflow_metadata_labels_from"): _labels_from,
    (model.WorkflowSpec, "workflow_metadata_annotations"): partial(
        _workflow_metadata, "annotations"
    ),
    (model.Template, "container"): _container,
    (model.Template, "annotations"): partial(_metadata, "annotations"),
    (model.Template, "labels"): partial(_metadata, "labels"),
    (model.Template, "pod"): _pod,
    (model.Artifact, "location"): _location,
}
"""Attributes that are made from the whole mapping."""
