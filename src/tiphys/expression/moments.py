"""Times and durations: Go's layouts (`2006-01-02`), its duration texts (`1h30m`), and methods."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Duration

SECOND = 1_000_000_000
RFC3339 = "2006-01-02T15:04:05Z07:00"
_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6}
_UNITS |= {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_CHUNK = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|-07:00:00|-070000|-07:00|-0700|-07"
    r"|Z07:00:00|Z070000|Z07:00|Z0700|Z07|002|01|02|03|04|05|06|15|PM|pm|__2|_2(?!006)"
    r"|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5"
)
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"


def _offset(moment: datetime, *, colon: str, utc: str | None) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    if utc and not minutes:
        return utc
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{colon}{rest:02d}"


def _zone_name(moment: datetime) -> str:
    name = moment.tzname() or "UTC"
    return name if re.fullmatch(r"[A-Z]{3,5}", name) else _offset(moment, colon="", utc="UTC")


def _fraction(chunk: str, moment: datetime) -> str:
    digits = f"{moment.microsecond * 1000:09d}"[: len(chunk) - 1]
    if chunk[1] == "9":
        digits = digits.rstrip("0")
    return chunk[0] + digits if digits else ""


_WRITERS: dict[str, Callable[[datetime], str]] = {
    "January": lambda m: _MONTHS.split()[m.month - 1],
    "Jan": lambda m: _MONTHS.split()[m.month - 1][:3],
    "Monday": lambda m: _DAYS.split()[m.weekday()],
    "Mon": lambda m: _DAYS.split()[m.weekday()][:3],
    "MST": _zone_name,
    "2006": lambda m: f"{m.year:04d}",
    "06": lambda m: f"{m.year % 100:02d}",
    "01": lambda m: f"{m.month:02d}",
    "1": lambda m: str(m.month),
    "02": lambda m: f"{m.day:02d}",
    "_2": lambda m: f"{m.day:2d}",
    "2": lambda m: str(m.day),
    "002": lambda m: f"{m.timetuple().tm_yday:03d}",
    "__2": lambda m: f"{m.timetuple().tm_yday:3d}",
    "15": lambda m: f"{m.hour:02d}",
    "03": lambda m: f"{(m.hour - 1) % 12 + 1:02d}",
    "3": lambda m: str((m.hour - 1) % 12 + 1),
    "04": lambda m: f"{m.minute:02d}",
    "4": lambda m: str(m.minute),
    "05": lambda m: f"{m.second:02d}",
    "5": lambda m: str(m.second),
    "PM": lambda m: "PM" if m.hour >= 12 else "AM",
    "pm": lambda m: "pm" if m.hour >= 12 else "am",
    "-0700": lambda m: _offset(m, colon="", utc=None),
    "-07:00": lambda m: _offset(m, colon=":", utc=None),
    "-07": lambda m: _offset(m, colon="", utc=None)[:3],
    "-070000": lambda m: _offset(m, colon="", utc=None) + "00",
    "-07:00:00": lambda m: _offset(m, colon=":", utc=None) + ":00",
    "Z0700": lambda m: _offset(m, colon="", utc="Z"),
    "Z07:00": lambda m: _offset(m, colon=":", utc="Z"),
    "Z07": lambda m: _offset(m, colon="", utc="Z")[:3],
    "Z070000": lambda m: _offset(m, colon="", utc="Z"),
    "Z07:00:00": lambda m: _offset(m, colon=":", utc="Z"),
}


def formatted(moment: datetime, layout: str) -> str:
    """Return *moment* in a Go *layout*.

    >>> formatted(datetime(2013, 1, 2, 15, 4, tzinfo=UTC), "Mon 2 Jan 2006 at 3:04PM MST")
    'Wed 2 Jan 2013 at 3:04PM UTC'
    """

    def written(match: re.Match[str]) -> str:
        chunk = match.group()
        return _fraction(chunk, moment) if chunk[0] in ".," else _WRITERS[chunk](moment)

    return _CHUNK.sub(written, layout)


_READERS = {
    "January": f"(?P<month_name>{_MONTHS.replace(' ', '|')})",
    "Jan": f"(?P<month_name>{'|'.join(name[:3] for name in _MONTHS.split())})",
    "Monday": f"(?:{_DAYS.replace(' ', '|')})",
    "Mon": f"(?:{'|'.join(name[:3] for name in _DAYS.split())})",
    "MST": r"(?P<zone>[A-Z]{3,5}(?:[+-]\d+)?)",
    "2006": r"(?P<year>\d{4})",
    "06": r"(?P<short_year>\d{2})",
    "002": r"(?P<year_day>\d{3})",
    "__2": r"(?P<year_day>[ \d]{2}\d)",
    "PM": "(?P<half>AM|PM)",
    "pm": "(?P<half>am|pm)",
} | {
    chunk: rf" *(?P<{name}>{digits})"
    for name, spelled in {
        "month": ("01", "1"),
        "day": ("02", "2"),
        "hour": ("15", "15"),
        "half_hour": ("03", "3"),
        "minute": ("04", "4"),
    }.items()
    for chunk, digits in ((spelled[0], r"\d\d"), (spelled[1], r"\d\d?"))
}
_READERS |= {"_2": _READERS["2"]}


def _reader(chunk: str) -> str:
    if chunk in {"05", "5"}:
        digits = r"\d\d" if chunk == "05" else r"\d\d?"
        return rf"(?P<second>{digits})(?:[.,](?P<fraction>\d+))?"
    if chunk[0] in ".,":
        return ""  # the seconds before it have read it
    if chunk[0] in "-Z":
        zulu = "Z|" if chunk[0] == "Z" else ""
        return rf"(?P<offset>{zulu}[+-]\d\d{':?' * (':' in chunk)}(?:\d\d)?)"
    return _READERS[chunk]


@lru_cache(maxsize=256)
def _pattern(layout: str) -> re.Pattern[str]:
    parts, end = [], 0
    for match in _CHUNK.finditer(layout):
        parts += [re.escape(layout[end : match.start()]), _reader(match.group())]
        end = match.end()
    return re.compile("".join([*parts, re.escape(layout[end:])]), re.IGNORECASE | re.ASCII)


def parsed(text: str, layout: str, zone: tzinfo = UTC) -> datetime:
    """Return the time that *text* is in a Go *layout*; without an offset it is one of *zone*.

    Raises: RefusedError: *text* is not of that form, or there is no such day.
    """
    try:
        match = _pattern(layout).fullmatch(text)
        if match is None:
            raise ValueError(text)  # noqa: TRY301  # one answer for both
        return _moment(match.groupdict(), zone)
    except (ValueError, re.error):
        raise RefusedError(f"`{text}` is no time of the form `{layout}`.") from None


def _moment(found: dict[str, str | None], zone: tzinfo) -> datetime:
    numbers = {name: int(digits) for name, digits in found.items() if digits and digits.isdigit()}
    if name := found.get("month_name"):
        numbers["month"] = [m[:3].lower() for m in _MONTHS.split()].index(name[:3].lower()) + 1
    if "short_year" in numbers:
        short = numbers["short_year"]
        numbers["year"] = short + (1900 if short >= 69 else 2000)
    hour = numbers.get("hour", numbers.get("half_hour", 0))
    if half := found.get("half"):
        hour = hour % 12 + 12 * (half.upper() == "PM")
    moment = datetime(
        numbers.get("year", 1),  # Go's year 0, which Python has not
        numbers.get("month", 1),
        numbers.get("day", 1),
        hour,
        numbers.get("minute", 0),
        numbers.get("second", 0),
        int(f"{found.get('fraction') or '':0<6.6}"),
        tzinfo=_written_zone(found.get("offset")) or zone,
    )
    if "year_day" in numbers:
        moment = moment.replace(month=1, day=1) + timedelta(days=numbers["year_day"] - 1)
    return moment


def _written_zone(offset: str | None) -> tzinfo | None:
    if offset is None:
        return None
    digits = offset.lstrip("zZ+-").replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (
        timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)) if minutes else UTC
    )


def zone(name: str) -> tzinfo:
    """Return a time zone by its IANA name; "" and "Local" are UTC, as in Argo's own image.

    Raises: RefusedError: there is no such zone.
    """
    if name in {"", "UTC", "Local"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise RefusedError(f'there is no time zone "{name}".') from None


def later(moment: datetime, span: Duration) -> datetime:
    """Raises: RefusedError: that is not in the years 1 to 9999."""
    try:
        return moment + timedelta(microseconds=span.nanoseconds // 1000)
    except OverflowError:
        raise RefusedError("this time is outside the years 1 to 9999.") from None


def between(start: datetime, end: datetime) -> Duration:
    return Duration((end - start) // timedelta(microseconds=1) * 1000)


def duration(text: str) -> Duration:
    """Return the duration that *text* is.

    >>> duration("1h30m")
    Duration(nanoseconds=5400000000000)

    Raises: RefusedError: *text* is none.
    """
    parts = re.findall(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", text)
    unsigned = text.lstrip("+-") if len(text.lstrip("+-")) >= len(text) - 1 else ""
    if unsigned != "0" and (not parts or "".join(map("".join, parts)) != unsigned):
        raise RefusedError(f"`{text}` is no duration; write one as 90s or 1h30m.")
    nanoseconds = sum(round(float(number) * _UNITS[unit]) for number, unit in parts)
    return Duration(-nanoseconds if text.startswith("-") else nanoseconds)


def duration_text(span: Duration) -> str:
    """Return *span* as Go prints it.

    >>> duration_text(Duration(5_400_500_000_000)), duration_text(Duration(1_500_000))
    ('1h30m0.5s', '1.5ms')
    """
    size = abs(span.nanoseconds)
    sign = "-" if span.nanoseconds < 0 else ""
    if 0 < size < SECOND:
        unit = "ns" if size < 1000 else "µs" if size < 10**6 else "ms"
        return f"{sign}{_decimal(size, _UNITS[unit])}{unit}"
    minutes, rest = divmod(size, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    whole = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{whole}{_decimal(rest, SECOND)}s"


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
