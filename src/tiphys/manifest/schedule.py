"""When a CronWorkflow starts: what `schedules` and `timezone` mean to Argo's controller.

Argo asks robfig/cron v3, whose answers are kept to the second, those around changes of clocks
included: a wall clock time that does not exist is skipped, one that comes twice is taken twice, and
a day whose midnight does not exist may be left out whole. No clock is read here.

https://github.com/robfig/cron/blob/v3.0.1/spec.go
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from tiphys.errors import UserError, nearest

ZONE = re.compile(r"(?:CRON_)?TZ=(\S*)\s+(.*)", re.DOTALL)
DURATION = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|[+-]?0")
SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
DAYS_IN = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
YEARS = 5
"""A schedule with no time in so many years never starts."""


class ScheduleError(UserError):
    """A schedule that the controller cannot use, or that never comes."""

    def __init__(self, text: str, found: str, advice: str = "") -> None:
        super().__init__(f'schedule "{text}"', found, advice)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A field of a schedule: what it is called and what it may hold."""

    name: str
    low: int
    high: int
    words: Mapping[str, int] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """What may stand there, in words."""
        words = f" or {', '.join(self.words)}" if self.words else ""
        return f"The {self.name} is {self.low} to {self.high}{words}; `,` `-` `/` `*` combine them."


MINUTE = Bounds("minute", 0, 59)
HOUR = Bounds("hour", 0, 23)
DAY = Bounds("day of the month", 1, 31)
MONTH = Bounds("month", 1, 12, {word: number for number, word in enumerate(MONTHS, 1)})
WEEKDAY = Bounds("day of the week", 0, 6, {word: number for number, word in enumerate(WEEKDAYS)})
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values that a field allows."""

    values: frozenset[int]
    every: bool
    """Whether it says `*` or `?`: of two day fields that do not, one is enough."""

    def __contains__(self, value: int) -> bool:
        return value in self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """`@every 90m`: counted from the last start, whatever the clocks do."""

    text: str
    delay: timedelta
    zone: tzinfo

    def next(self, after: datetime) -> datetime | None:
        """Return the first start after *after*."""
        due = after.astimezone(UTC) + self.delay - timedelta(microseconds=after.microsecond)
        return due.astimezone(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Five fields, read in a time zone."""

    text: str
    minute: Chosen
    hour: Chosen
    day: Chosen
    month: Chosen
    weekday: Chosen
    zone: tzinfo

    def next(self, after: datetime) -> datetime | None:
        """Return the first start after *after*, None where there is none for five years."""
        walk = _Walk(self, int(after.timestamp()) + 1)
        last_year = walk.now.year + YEARS
        while walk.now.year <= last_year:
            if walk.month() and walk.day() and walk.hour() and walk.minute() and walk.second():
                return walk.now
        return None

    def has_day(self, when: datetime) -> bool:
        """Whether the day of *when* is one of the schedule's."""
        day, weekday = when.day in self.day, when.isoweekday() % 7 in self.weekday
        if self.day.every or self.weekday.every:
            return day and weekday
        return day or weekday


Schedule = Calendar | Every


class _Walk:
    """The search for the next start. Each method brings one field to a value that is allowed.

    It returns False where a larger field has changed on the way, so that the search begins anew.
    """

    def __init__(self, schedule: Calendar, unix: int) -> None:
        self._schedule, self._unix, self._begun = schedule, unix, False

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._unix, self._schedule.zone)

    def _set(self, *parts: int) -> None:
        self._unix = _unix(self._schedule.zone, *parts)

    def _begin(self, *parts: int) -> None:
        if not self._begun:
            self._begun = True
            self._set(*parts)

    def month(self) -> bool:
        while (now := self.now).month not in self._schedule.month:
            self._begin(now.year, now.month, 1)
            now = self.now
            self._set(now.year, now.month + 1, now.day, now.hour, now.minute, now.second)
            if self.now.month == 1:
                return False
        return True

    def day(self) -> bool:
        while not self._schedule.has_day(now := self.now):
            self._begin(now.year, now.month, now.day)
            now = self.now
            self._set(now.year, now.month, now.day + 1, now.hour, now.minute, now.second)
            hour = self.now.hour
            if hour:  # clocks changed at midnight
                self._unix += 3600 * (24 - hour if hour > 12 else -hour)
            if self.now.day == 1:
                return False
        return True

    def hour(self) -> bool:
        while (now := self.now).hour not in self._schedule.hour:
            self._begin(now.year, now.month, now.day, now.hour)
            self._unix += 3600
            if self.now.hour == 0:
                return False
        return True

    def minute(self) -> bool:
        while self.now.minute not in self._schedule.minute:
            if not self._begun:
                self._begun = True
                self._unix -= self._unix % 60
            self._unix += 60
            if self.now.minute == 0:
                return False
        return True

    def second(self) -> bool:
        self._begun = self._begun or self.now.second != 0
        while self.now.second:
            self._unix += 1
            if self.now.second == 0:
                return False
        return True


def parse(text: str, timezone: str = "") -> Schedule:
    """Return what Argo makes of one of a CronWorkflow's `schedules` and its `timezone`.

    Without a time zone the controller's own counts; here that is UTC, as in its image.

    Raises: ScheduleError: Argo refuses it, or it never comes.
    """
    if not text:
        raise ScheduleError(text, "is empty.", _expected())
    rest = text
    if found := ZONE.fullmatch(text):
        if timezone:
            advice = "Argo puts `timezone` there, too, and then never starts it: keep one of them."
            raise ScheduleError(text, "names a time zone beside `timezone`.", advice)
        timezone, rest = found[1], found[2].strip()
    zone = _zone(text, timezone)
    if rest.startswith("@every "):
        return Every(text=text, delay=_delay(text, rest.removeprefix("@every ")), zone=zone)
    if rest.startswith("@"):
        if rest not in DESCRIPTORS:
            known = (*DESCRIPTORS, "@every 90m")
            raise ScheduleError(text, f"there is no {rest}.", nearest(rest, known))
        rest = DESCRIPTORS[rest]
    return _possible(_calendar(text, rest.split(), zone))


def _calendar(text: str, fields: list[str], zone: tzinfo) -> Calendar:
    if len(fields) != len(FIELDS):
        raise ScheduleError(text, f"has {len(fields)} fields.", _expected(len(fields)))
    chosen = [_chosen(text, word, bounds) for word, bounds in zip(fields, FIELDS, strict=True)]
    minute, hour, day, month, weekday = chosen
    return Calendar(
        text=text, minute=minute, hour=hour, day=day, month=month, weekday=weekday, zone=zone
    )


def _expected(fields: int = 5) -> str:
    seconds = " Argo's have no seconds." if fields == 6 else ""
    return (
        f"Expected five: minute, hour, day of the month, month, day of the week.{seconds}"
        ' Or "@daily", "@every 90m".'
    )


def _possible(schedule: Calendar) -> Calendar:
    """Refuse a date that no year has: Argo takes it and never says that it does not come."""
    if not (schedule.day.every or schedule.weekday.every) and schedule.weekday.values:
        return schedule
    if not all((schedule.minute.values, schedule.hour.values, schedule.weekday.values)):
        raise ScheduleError(schedule.text, "has a field without a value.", _expected())
    longest = max((DAYS_IN[month - 1] for month in schedule.month.values), default=0)
    if min(schedule.day.values, default=99) <= longest:
        return schedule
    months = ", ".join(MONTHS[month - 1] for month in sorted(schedule.month.values))
    days = ", ".join(map(str, sorted(schedule.day.values)))
    found = f"never comes: there is no day {days} in {months}."
    raise ScheduleError(schedule.text, found, "For the end of a month take the 1st of the next.")


def _chosen(text: str, word: str, bounds: Bounds) -> Chosen:
    parts = [_range(text, part, bounds) for part in word.split(",") if part]
    return Chosen(
        frozenset().union(*(part.values for part in parts)), any(part.every for part in parts)
    )


def _range(text: str, word: str, bounds: Bounds) -> Chosen:
    """Return what `5`, `1-5`, `*`, `jan-mar` or one of them with `/2` stands for."""
    span, *steps = word.split("/")
    low, *high = span.split("-")
    if len(steps) > 1 or (low not in {"*", "?"} and len(high) > 1):
        raise ScheduleError(text, f'"{word}" is no {bounds.name}.', bounds.expected)
    if every := low in {"*", "?"}:
        first, last = bounds.low, bounds.high
    else:
        first = _number(text, low, bounds)
        last = _number(text, high[0], bounds) if high else first
    step = 1
    if steps:
        step = _number(text, steps[0], Bounds(f"step of the {bounds.name}", 1, 1 << 31))
        last = last if high else bounds.high
    if not bounds.low <= first <= last <= bounds.high or step < 1:
        raise ScheduleError(text, f'"{word}" is no {bounds.name}.', bounds.expected)
    return Chosen(frozenset(range(first, last + 1, step)), every and step == 1)


def _number(text: str, word: str, bounds: Bounds) -> int:
    if word.lower() in bounds.words:
        return bounds.words[word.lower()]
    if not re.fullmatch(r"[+-]?[0-9]+", word):
        raise ScheduleError(text, f'"{word}" is no {bounds.name}.', bounds.expected)
    return int(word)


def _delay(text: str, written: str) -> timedelta:
    """Return a Go duration; less than a second is one, and parts of a second are dropped."""
    if not DURATION.fullmatch(written):
        raise ScheduleError(text, f'"{written}" is no duration.', "Write it like 90m or 1h30m.")
    parts = re.findall(r"(\d+\.?\d*|\.\d+)([a-zµμ]+)", written)
    seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
    return timedelta(seconds=max(1, 0 if written.startswith("-") else int(seconds)))


def _zone(text: str, name: str) -> tzinfo:
    if name in {"", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        advice = nearest(name, available_timezones())
        expected = "A name such as Etc/UTC or Europe/Zurich is expected."
        advice = f"{advice} {expected}" if advice.startswith("Did") else expected
        raise ScheduleError(text, f'there is no time zone "{name}".', advice) from None


def _unix(zone: tzinfo, year: int, month: int, day: int, *clock: int) -> int:
    """Return the time of a wall clock as Go's `time.Date` does, with overflowing months and days.

    A time that does not exist, or comes twice, is read with the offset that held just before it is
    corrected: Go promises neither of the two.
    """
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    wall = datetime(year, month, 1, tzinfo=UTC) + timedelta(days=day - 1)
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    unix = int(wall.timestamp()) + 3600 * hour + 60 * minute + second
    return unix - _offset(zone, unix - _offset(zone, unix))


def _offset(zone: tzinfo, unix: int) -> int:
    offset = datetime.fromtimestamp(unix, zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
