"""How Go prints values (`%v`), and numbers in particular."""

import math
from collections.abc import Callable
from decimal import Decimal

from tiphys.expression import moments
from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Value, kind


def shown(value: Value) -> str:
    """Return *value* as Go's `%v` prints it.

    >>> shown([1, 2.5, None, {"b": True, "a": "x"}])
    '[1 2.5 <nil> map[a:x b:true]]'

    Raises: RefusedError: a function has no text.
    """
    what = kind(value)
    if what not in _WRITERS:
        raise RefusedError(f"a {what} has no text.")
    return _WRITERS[what](value)


def _shown_map(value: dict[Value, Value]) -> str:
    pairs = sorted((shown(key), shown(item)) for key, item in value.items())
    return f"map[{' '.join(':'.join(pair) for pair in pairs)}]"


_WRITERS: dict[str, Callable[..., str]] = {
    "nil": lambda _: "<nil>",
    "bool": lambda value: "true" if value else "false",
    "int": str,
    "float": lambda value: float_text(value, least=1e-4, bound=1e6),
    "string": str,
    "array": lambda value: f"[{' '.join(map(shown, value))}]",
    "map": _shown_map,
    "time.Time": lambda value: moments.formatted(value, "2006-01-02 15:04:05.999999999 -0700 MST"),
    "time.Duration": moments.duration_text,
    "time.Location": str,
}


def float_text(number: float, *, least: float, bound: float) -> str:
    """Return the shortest digits of *number*: plain in [least, bound), else with an exponent."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else f"{'+' if number > 0 else '-'}Inf"
    exact = Decimal(repr(number))
    if not number or least <= abs(number) < bound:
        plain = format(exact, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    sign, digits, _ = exact.normalize().as_tuple()
    fraction = "".join(map(str, digits[1:]))
    mantissa = f"{'-' * sign}{digits[0]}{'.' * bool(fraction)}{fraction}"
    exponent = exact.adjusted()
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
