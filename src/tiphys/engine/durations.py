"""Durations as Argo reads them: Go's notation, and in some fields bare seconds (rule 46)."""

import re
from datetime import timedelta

from tiphys.engine.faults import TemplateError

SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
TERM = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
WHOLE = re.compile(rf"[-+]?(?:0|(?:{TERM.pattern})+)")


def go(text: str) -> timedelta:
    """Return the value of a Go duration.

    >>> go("1h1.5m").total_seconds()
    3690.0

    Raises: TemplateError: *text* is none; a number needs a unit.
    """
    if not WHOLE.fullmatch(text):
        raise TemplateError(f'"{text}"', 'is no duration: write a number and a unit, as in "90s".')
    seconds = sum(float(number) * SECONDS[unit] for number, unit in TERM.findall(text))
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def lenient(text: str) -> timedelta:
    """Return the value of a Go duration or a number of seconds, as `backoff` takes them.

    >>> lenient("10").total_seconds()
    10.0
    """
    return timedelta(seconds=int(text)) if re.fullmatch(r"[-+]?\d+", text) else go(text)


def human(wait: timedelta) -> str:
    """Return *wait* as Argo's messages print it: the two largest units, the second in plural.

    >>> human(timedelta(seconds=61)), human(timedelta(seconds=5))
    ('1 minute 1 seconds', '5 seconds')
    """
    seconds = int(wait.total_seconds())
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    at = next((n for n, (_, size) in enumerate(units) if seconds >= size), len(units) - 1)
    name, size = units[at]
    count, rest = divmod(seconds, size)
    large = f"{count} {name}{'' if count == 1 else 's'}"
    if size == 1:
        return large
    smaller, step = units[at + 1]
    return f"{large} {rest // step} {smaller}s"
