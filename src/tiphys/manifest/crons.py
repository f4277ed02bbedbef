"""CronWorkflows as they stand in files or come from a server, and when they start."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tiphys.manifest import decode, document, schedule, tree
from tiphys.manifest.model import Kind
from tiphys.manifest.problem import Findings
from tiphys.manifest.schedule import Schedule, ScheduleError

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A CronWorkflow that is right."""

    name: str
    schedules: tuple[Schedule, ...]
    timezone: str
    """As written; "" means the controller's own, UTC in its image."""
    policy: str
    """What becomes of a start while a run is active: Allow, Forbid or Replace."""
    starting_deadline: timedelta | None
    """How late a missed start is made up for; None: never."""
    suspended: bool
    raw: Json

    def next(self, after: datetime) -> datetime | None:
        """Return the first start after *after*, by any of the schedules."""
        starts = filter(None, (one.next(after) for one in self.schedules))
        return min(starts, key=datetime.timestamp, default=None)


def of(raw: Json) -> Cron:
    """Return the CronWorkflow object *raw*.

    Raises: ScheduleError: a schedule or the time zone is wrong.
    """
    spec = raw["spec"]
    timezone, late = spec.get("timezone") or "", spec.get("startingDeadlineSeconds")
    return Cron(
        name=raw["metadata"]["name"],
        schedules=tuple(schedule.parse(text, timezone) for text in spec.get("schedules") or ()),
        timezone=timezone,
        policy=spec.get("concurrencyPolicy") or "Allow",
        starting_deadline=None if late is None else timedelta(seconds=late),
        suspended=bool(spec.get("suspend")),
        raw=raw,
    )


def check(cron: tree.Mapping, findings: Findings) -> None:
    """Report each schedule of the document *cron* that Argo would refuse, or that never comes."""
    zone = decode.text(decode.get(cron, "spec", "timezone"))
    schedules = decode.get(cron, "spec", "schedules")
    items = schedules.items if isinstance(schedules, tree.Sequence) else ()
    if not items:
        at = schedules.at if schedules.at.line else cron.at
        findings.error(at, "the CronWorkflow has no schedule.", 'Add `schedules: ["0 3 2 * *"]`.')
    if not decode.text(decode.get(cron, "metadata", "name")):
        findings.error(cron.at, "the CronWorkflow has no name.", "Add `name:` to its metadata.")
    late = decode.get(cron, "spec", "startingDeadlineSeconds")
    if not re.fullmatch(r"\d{0,9}", decode.text(late)):
        advice = "Write whole seconds."
        findings.error(late.at, "`startingDeadlineSeconds` is no number.", advice)
    for item in items:
        try:
            schedule.parse(decode.text(item), zone)
        except ScheduleError as wrong:
            findings.error(item.at, f"{wrong.where}: {wrong.found}", wrong.advice)


def read(paths: Sequence[Path]) -> tuple[list[tuple[Path, Cron]], Findings]:
    """Return the right CronWorkflows of *paths*, each with its file, and what is wrong."""
    findings = Findings()
    found = [(path, cron) for path in paths for cron in _of_file(path, findings)]
    return found, findings


def _of_file(path: Path, findings: Findings) -> Iterator[Cron]:
    for each, resource in document.resources(document.read([path], findings, levels=False)):
        if resource.kind is Kind.CRON_WORKFLOW:
            before = len(findings.problems)
            check(each.tree, findings)
            if len(findings.problems) == before:
                yield of(resource.raw)
