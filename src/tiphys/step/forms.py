"""Types as JSON: how a value of each type that may travel between steps is written and read."""

import dataclasses
import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from operator import index
from typing import Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

Json = Any

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""JSON has no such numbers, so they travel as these strings."""


class Misfit(Exception):  # noqa: N818 -- a value that is not what its type says
    """A value that is not of its type: what was expected, what was found, where inside."""

    def __init__(self, expected: str, found: str, path: str = "") -> None:
        self.found, self.expected, self.path = found, expected, path
        super().__init__(f"{path}: " * bool(path) + f"found {found}, expected {expected}")

    def below(self, key: str) -> "Misfit":
        """Return the same misfit, seen from the value that holds it."""
        return Misfit(self.expected, self.found, f"{key}.{self.path}" if self.path else key)


class Form(Protocol):
    """How values of one type look in JSON."""

    words: str
    """The type, for the person at the terminal."""

    def read(self, data: Json) -> Any:
        """Return decoded JSON as a value of the type, or raise `Misfit`."""

    def write(self, value: Any) -> Json:
        """Return a value of the type as JSON can hold it, or raise `Misfit`."""


class Scalar:
    """str, bool and None: what JSON and Python agree on."""

    def __init__(self, type_: type, words: str) -> None:
        self.type, self.words = type_, words

    def read(self, data: Json) -> Any:
        """Return *data*, which must have exactly this type."""
        if type(data) is self.type:
            return data
        raise Misfit(self.words, shown(data))

    def write(self, value: Any) -> Json:
        """Return *value*, which must be an instance of this type."""
        if isinstance(value, self.type):
            return value
        raise Misfit(self.words, shown(value))


class Whole(Scalar):
    """Whole numbers, also those of NumPy."""

    def write(self, value: Any) -> Json:
        """Return *value* as an int; a fraction or a boolean is none."""
        if hasattr(value, "__index__") and not isinstance(value, bool):
            return index(value)
        raise Misfit(self.words, shown(value))


class Number(Scalar):
    """Floats, also those of NumPy, also those that JSON cannot spell."""

    def read(self, data: Json) -> float:
        """Return *data* as a float."""
        if isinstance(data, str) and data in NOT_FINITE:
            return NOT_FINITE[data]
        if type(data) in (int, float):
            return float(data)
        raise Misfit(self.words, shown(data))

    def write(self, value: Any) -> Json:
        """Return *value* as a float, or as a word where JSON has no number for it."""
        if isinstance(value, bool | str) or not hasattr(value, "__float__"):
            raise Misfit(self.words, shown(value))
        number = float(value)
        if math.isfinite(number):
            return number
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


class Choices:
    """A `Literal` or an `Enum`: text to value."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.words = f"one of {', '.join(values)}"

    def read(self, data: Json) -> Any:
        """Return the value whose text *data* is."""
        text = data if isinstance(data, str) else json.dumps(data)
        if text in self.values:
            return self.values[text]
        raise Misfit(self.words, shown(data))

    def write(self, value: Any) -> Json:
        """Return what stands for *value*."""
        for choice in self.values.values():
            if choice == value and type(choice) is type(value):
                return choice.value if isinstance(choice, Enum) else choice
        raise Misfit(self.words, shown(value))


class Items:
    """A list, or a tuple of any length."""

    def __init__(self, item: Form, make: Callable[[list[Any]], Any]) -> None:
        self.item, self.make = item, make
        self.words = f"a list of: {item.words}"

    def read(self, data: Json) -> Any:
        """Return a list or a tuple of values."""
        if isinstance(data, list):
            return self.make([_at(str(i), self.item.read, d) for i, d in enumerate(data)])
        raise Misfit(self.words, shown(data))

    def write(self, value: Any) -> Json:
        """Return a list."""
        if isinstance(value, list | tuple):
            return [_at(str(i), self.item.write, v) for i, v in enumerate(value)]
        raise Misfit(self.words, shown(value))


class Values:
    """A dict with text as keys."""

    def __init__(self, value: Form) -> None:
        self.value = value
        self.words = f"an object of: {value.words}"

    def read(self, data: Json) -> Any:
        """Return a dict of values."""
        if isinstance(data, dict):
            return {key: _at(key, self.value.read, item) for key, item in data.items()}
        raise Misfit(self.words, shown(data))

    def write(self, value: Any) -> Json:
        """Return an object."""
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {key: _at(key, self.value.write, item) for key, item in value.items()}
        raise Misfit(self.words, shown(value))


class Maybe:
    """A value or None."""

    def __init__(self, inner: Form) -> None:
        self.inner = inner
        self.words = f"{inner.words}, or null"

    def read(self, data: Json) -> Any:
        """Return None for null."""
        return None if data is None else self.inner.read(data)

    def write(self, value: Any) -> Json:
        """Return null for None."""
        return None if value is None else self.inner.write(value)


class Record:
    """A dataclass: an object with exactly its fields."""

    def __init__(self, type_: type, fields: Mapping[str, Form]) -> None:
        self.type, self.fields = type_, fields
        self.needed = {
            field.name
            for field in dataclasses.fields(type_)
            if field.default is field.default_factory is dataclasses.MISSING
        }
        self.words = f"{type_.__name__} ({', '.join(fields)})"

    def read(self, data: Json) -> Any:
        """Return the dataclass; a field too many or too few is a misfit."""
        if not isinstance(data, dict):
            raise Misfit(self.words, shown(data))
        for key in sorted(data.keys() - self.fields.keys()):
            raise Misfit(self.words, f'the field "{key}"')
        for key in sorted(self.needed - data.keys()):
            raise Misfit(self.words, f'no field "{key}"')
        return self.type(**{key: _at(key, self.fields[key].read, data[key]) for key in data})

    def write(self, value: Any) -> Json:
        """Return an object with every field, in the order of the class."""
        if not isinstance(value, self.type):
            raise Misfit(self.words, shown(value))
        return {key: _at(key, form.write, getattr(value, key)) for key, form in self.fields.items()}


class Free:
    """Any JSON value, as it is."""

    words = "JSON"

    def read(self, data: Json) -> Any:
        """Return *data*."""
        return data

    def write(self, value: Any) -> Json:
        """Return *value*."""
        return value


@cache
def form(type_: Any) -> Form | None:
    """Return how *type_* looks in JSON, or None if its values cannot travel between steps."""
    if type_ in _SCALARS:
        return _SCALARS[type_]
    if get_origin(type_) is Literal:
        return _choices(get_args(type_), get_args(type_))
    if isinstance(type_, type) and issubclass(type_, Enum):
        return _choices([member.value for member in type_], list(type_))
    if isinstance(type_, type) and dataclasses.is_dataclass(type_):
        hints = get_type_hints(type_)
        fields = {field.name: form(hints[field.name]) for field in dataclasses.fields(type_)}
        known = {name: found for name, found in fields.items() if found}
        return Record(type_, known) if len(known) == len(fields) else None
    return _composite(get_origin(type_), get_args(type_))


def shown(value: Any) -> str:
    """Return *value* as a message shows it: quoted, cut, with its type if that is not text.

    >>> shown("x"), shown(3)
    ('"x"', '3 (int)')
    """
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= 80 else text[:79] + "…"
    if isinstance(value, str):
        return json.dumps(text, ensure_ascii=False)
    return f"{text} ({type(value).__name__})"


def _composite(origin: Any, arguments: tuple[Any, ...]) -> Form | None:
    match arguments:
        case (item,) if origin is list and (found := form(item)):
            return Items(found, list)
        case (item, end) if origin is tuple and end is ... and (found := form(item)):
            return Items(found, tuple)
        case (key, item) if origin is dict and key is str and (found := form(item)):
            return Values(found)
        case (first, second) if origin in (types.UnionType, Union) and type(None) in arguments:
            inner = form(first if second is type(None) else second)
            return Maybe(inner) if inner else None
        case _:
            return None


def _choices(words: Sequence[Any], values: Sequence[Any]) -> Choices | None:
    """Return the choices, or None where one has no text of its own."""
    if not all(isinstance(word, str | int) for word in words):
        return None
    texts = [word if isinstance(word, str) else json.dumps(word) for word in words]
    pairs = dict(zip(texts, values, strict=True))
    return Choices(pairs) if len(pairs) == len(values) else None


def _at(key: str, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except Misfit as misfit:
        raise misfit.below(key) from None


_SCALARS: dict[Any, Form] = {
    Any: Free(),
    object: Free(),
    str: Scalar(str, "text"),
    bool: Scalar(bool, "true or false"),
    type(None): Scalar(type(None), "null"),
    int: Whole(int, "a whole number"),
    float: Number(float, "a number"),
}
