"""JSON as Go's encoding/json reads and writes it."""

import json
import math
from collections.abc import Iterable
from datetime import datetime

from tiphys.expression import moments
from tiphys.expression.faults import RefusedError
from tiphys.expression.text import float_text, shown
from tiphys.expression.values import AnyMap, Duration, Value

_ESCAPES = {0x2028: "\\u2028", 0x2029: "\\u2029"}
_HTML = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def plain(value: Value) -> Value:
    """Return *value* with nothing in it but what JSON has.

    A time becomes its RFC 3339 text, a duration its nanoseconds.

    Raises: RefusedError: NaN, infinity, a map without string keys, or a function.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list():
            return [plain(item) for item in value]
        case dict() if not isinstance(value, AnyMap):
            return {key: plain(item) for key, item in value.items()}
        case Duration():
            return value.nanoseconds
        case datetime():
            return moments.formatted(value, "2006-01-02T15:04:05.999999999Z07:00")
        case _:
            what = "a map whose keys are no strings" if isinstance(value, AnyMap) else shown(value)
            raise RefusedError(f"{what} has no JSON.")


def written(value: Value, *, html: bool = True, indent: str = "") -> str:
    r"""Return *value* as JSON: keys sorted, floats without `.0`; *html* escapes `<>&`.

    >>> written({"b": 1.0, "a": ["<", None]})
    '{"a":["\\u003c",null],"b":1}'
    """
    escapes = _ESCAPES | (_HTML if html else {})
    return _written(plain(value), indent, "\n" if indent else "").translate(escapes)


def _written(value: Value, indent: str, newline: str) -> str:
    match value:
        case float():
            return float_text(value, least=1e-6, bound=1e21).replace("e-0", "e-")
        case list():
            items = (_written(item, indent, newline + indent) for item in value)
            return _enclosed("[", items, "]", indent, newline)
        case dict():
            colon = ": " if indent else ":"
            pairs = (
                json.dumps(key, ensure_ascii=False)
                + colon
                + _written(value[key], indent, newline + indent)
                for key in sorted(value)
            )
            return _enclosed("{", pairs, "}", indent, newline)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _enclosed(opening: str, items: Iterable[str], closing: str, indent: str, newline: str) -> str:
    step = newline + indent
    inside = ("," + step).join(items)
    return opening + (step + inside + newline if inside else "") + closing


def decoded(text: str) -> Value:
    """Return the value of JSON *text*; every number is a float. Raises: RefusedError."""
    try:
        return json.loads(text, parse_int=float, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise RefusedError(f"this is no JSON: {problem}.") from None


def _no_constant(name: str) -> Value:
    raise ValueError(f"{name} is not part of JSON")
