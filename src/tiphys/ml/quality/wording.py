"""Expectations in words: what was asked for, as a person would say it."""

from collections.abc import Mapping
from typing import Any

LONGEST = 80


def sentence(type_: str, asked: Mapping[str, Any]) -> str:
    """Return the expectation *type_* with the arguments *asked*.

    >>> sentence("expect_column_values_to_be_between", {"min_value": 0.0, "max_value": 23})
    'values to be between 0 and 23'
    >>> sentence("expect_column_values_to_not_be_null", {"mostly": 0.95})
    'values to not be null in at least 95% of the rows'
    """
    words = type_.removeprefix("expect_").removeprefix("column_").removeprefix("table_")
    rest = dict(asked)
    bounds = _bounds(rest.pop("min_value", None), rest.pop("max_value", None))
    share = rest.pop("mostly", None)
    ranges = rest.pop("quantile_ranges", None)
    plain = not bounds and ranges is None
    parts = [words.replace("_", " ").removesuffix("" if plain else " between")]
    parts += [bounds] if bounds else []
    parts += [_quantiles(ranges)] if isinstance(ranges, dict) else []
    if len(rest) == 1:
        parts.append(short(next(iter(rest.values()))))
    elif rest:
        parts.append(f"({', '.join(f'{name} {short(value)}' for name, value in rest.items())})")
    parts += [f"in at least {share:.0%} of the rows"] if share is not None else []
    return " ".join(parts)


def quantiles(found: Mapping[str, Any]) -> str:
    """Return what was found where quantiles were asked for.

    >>> quantiles({"quantiles": [0.25, 0.5], "values": [509, 888.0]})
    '25%: 509, 50%: 888'
    """
    pairs = zip(found["quantiles"], found["values"], strict=True)
    return ", ".join(f"{at:.0%}: {short(value)}" for at, value in pairs)


def short(value: object) -> str:
    """Return *value* in at most 80 characters; a list without its brackets."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _bounds(low: object, high: object) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"at least {short(low)}"
    return f"at most {short(high)}" if low is None else f"between {short(low)} and {short(high)}"


def _quantiles(ranges: Mapping[str, Any]) -> str:
    pairs = zip(ranges["quantiles"], ranges["value_ranges"], strict=True)
    return ", ".join(f"{short(low)} to {short(high)} at {at:.0%}" for at, (low, high) in pairs)
