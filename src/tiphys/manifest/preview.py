"""The next starts of a CronWorkflow, what a change of clocks does to them, what is made up for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from tiphys.manifest.crons import Cron
from tiphys.manifest.schedule import Calendar, Schedule

LAST_USED = "cronworkflows.argoproj.io/last-used-schedule"
"""The annotation in which the controller keeps the schedules by which it has last started a run."""

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
    """Return the next *count* starts of *cron*, and between them what does not come.

    After each start the controller reads all schedules anew, so each looks on from there.
    """
    found: list[Start | Skipped] = []
    for _ in range(count):
        start = cron.next(after)
        if start is None:
            break
        calendars = (one for one in cron.schedules if isinstance(one, Calendar))
        skipped = {each for one in calendars for each in _skipped(one, after, start)}
        missing = sorted(skipped, key=lambda each: each.first)
        found += [*missing, Start(at=start, again=bool(start.fold) and _comes_twice(start))]
        after = start
    return found


def made_up(cron: Cron, now: datetime) -> datetime | None:
    """Return the missed start that Argo makes up for once *cron* is not suspended, None for none.

    Of each schedule that is the newest, if it is not too late; of several schedules the first.
    One whose schedules have changed since it last ran makes up for nothing.

    https://github.com/argoproj/argo-workflows/blob/v4.0.7/workflow/cron/operator.go#L320
    """
    status, late = cron.raw.get("status") or {}, cron.starting_deadline
    last = status.get("lastScheduledTime")
    if not (last and late) or stopped(cron) or _is_changed(cron):
        return None
    newest = (_newest(one, datetime.fromisoformat(last), now, late) for one in cron.schedules)
    return next(filter(None, newest), None)


def stopped(cron: Cron) -> bool:
    """Whether its `stopStrategy` has ended *cron*."""
    return (cron.raw.get("status") or {}).get("phase") == "Stopped"


def _is_changed(cron: Cron) -> bool:
    zone = f"CRON_TZ={cron.timezone} " if cron.timezone else ""
    names = cron.raw["metadata"].get("annotations") or {}
    return names.get(LAST_USED) != ",".join(zone + one.text for one in cron.schedules)


def _newest(one: Schedule, last: datetime, now: datetime, late: timedelta) -> datetime | None:
    """Return the last start of *one* before *now*, if it was missed and is not too late."""
    newest, due = None, one.next(max(last, now - late) if isinstance(one, Calendar) else last)
    while due and due < now:
        newest, due = due, one.next(due)
    return newest if newest and newest > now - late else None


def _comes_twice(when: datetime) -> bool:
    return when.replace(fold=0).utcoffset() != when.replace(fold=1).utcoffset()


def _skipped(schedule: Calendar, after: datetime, start: datetime) -> Iterator[Skipped]:
    """Yield what the schedule names after *after* as if clocks never changed, and does not come.

    Nothing starts between *after* and *start*; at *start* this schedule does, or another.
    """
    zone, wall = schedule.zone, replace(schedule, zone=UTC)
    last, missing = after.astimezone(zone).replace(tzinfo=UTC, fold=0), []
    end, own = start.astimezone(zone).replace(tzinfo=UTC, fold=0), schedule.next(after)
    if own is None or own.timestamp() > start.timestamp():
        end += timedelta(seconds=1)
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
