"""The next starts of a CronWorkflow, and what a change of clocks does to them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from tiphys.manifest.crons import Cron
from tiphys.manifest.schedule import Calendar

FEW = 1000
"""So many wall clock times are compared between two starts; more, and nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start, in the time zone of its schedule."""

    at: datetime
    again: bool = False
    """Whether the wall clock shows this time for the second time, because clocks went back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Wall clock times of the schedule that do not start anything."""

    first: datetime
    """Without a zone: no clock ever shows it, or the day that holds it is left out."""
    count: int
    exists: bool
    """Whether clocks do show it: the day's midnight did not exist, and Argo leaves the day out."""


def preview(cron: Cron, after: datetime, count: int) -> list[Start | Skipped]:
    """Return the next *count* starts of *cron*, and between them what does not come."""
    found: list[Start | Skipped] = []
    starts = 0
    while starts < count:
        due = [(one.next(after), one) for one in cron.schedules]
        coming = [(when, one) for when, one in due if when]
        if not coming:
            break
        start, one = min(coming, key=lambda pair: pair[0])
        if isinstance(one, Calendar):
            found += _skipped(one, after, start)
        found.append(Start(at=start, again=bool(start.fold) and _comes_twice(start)))
        after, starts = start, starts + 1
    return found


def _comes_twice(when: datetime) -> bool:
    return when.replace(fold=0).utcoffset() != when.replace(fold=1).utcoffset()


def _skipped(schedule: Calendar, after: datetime, start: datetime) -> Iterator[Skipped]:
    """Yield what the schedule names between *after* and *start* as if clocks never changed."""
    zone, wall = schedule.zone, replace(schedule, zone=UTC)
    last, missing = after.astimezone(zone).replace(tzinfo=UTC, fold=0), []
    end = start.replace(tzinfo=UTC, fold=0)
    for _ in range(FEW):
        due = wall.next(last)
        if due is None or due >= end:
            break
        missing.append(last := due)
    if missing:
        first = missing[0].replace(tzinfo=None)
        yield Skipped(first=first, count=len(missing), exists=_exists(first, zone))


def _exists(wall: datetime, zone: tzinfo) -> bool:
    """Whether a clock in *zone* ever shows *wall*."""
    there = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return abs(there.replace(tzinfo=None) - wall) < timedelta(seconds=1)
