"""Typed values as text and back: what one step writes, the next one reads from its argv.

At the top, text is as a person would write it: strings as they are, `true`, `3`, `0.5`, the text
of a `Literal` or `Enum`. Everything else, and everything inside it, is compact JSON.
"""

import json
from collections.abc import Callable
from typing import Any

from tiphys.step.forms import Choices, Form, Maybe, Misfit, form, shown


class UntypedError(TypeError):
    """A type whose values cannot travel between steps; `supported` would have said so."""


def supported(type_: Any) -> bool:
    """Whether a value of *type_* can travel from step to step.

    A text cannot say whether it is the string "null" or no string: `str | None` cannot.
    """
    found = form(type_)
    return found is not None and not (isinstance(found, Maybe) and _is_text(found.inner))


def describe(type_: Any) -> str:
    """Return *type_* in words for the person at the terminal.

    >>> describe(bool), describe(list[int])
    ('true or false', 'a list of: a whole number')
    """
    return _form(type_).words


def decode(text: str, type_: Any) -> Any:
    """Return the value of *type_* that *text* says.

    >>> decode("3", int), decode("true", bool), decode('["2013-01"]', list[str])
    (3, True, ['2013-01'])

    Raises:
        Misfit: *text* says no such value.
    """
    found = _form(type_)
    if _is_text(found):
        return found.read(text)
    if reader := _PLAIN.get(type_):
        try:
            return reader(text)
        except (ValueError, KeyError):
            raise Misfit(found.words, shown(text)) from None
    try:
        data = json.loads(text)
    except ValueError:
        raise Misfit(found.words, f"{shown(text)}, which is no JSON") from None
    return found.read(data)


def encode(value: Any, type_: Any) -> str:
    """Return the text from which `decode` makes *value* again.

    >>> encode(True, bool), encode(0.5, float), encode([1, 2], list[int])
    ('true', '0.5', '[1,2]')

    Raises:
        Misfit: *value* is not of *type_*.
    """
    data = _form(type_).write(value)
    if isinstance(data, str) and (_is_text(_form(type_)) or type_ is float):
        return data
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _form(type_: Any) -> Form:
    found = form(type_)
    if found is None:
        raise UntypedError(type_)
    return found


def _is_text(found: Form) -> bool:
    return isinstance(found, Choices) or found is form(str)


_PLAIN: dict[Any, Callable[[str], Any]] = {
    int: int,
    float: float,
    bool: {"true": True, "false": False}.__getitem__,
}
