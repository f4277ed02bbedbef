"""`tiphys cron`: what starts when."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from tiphys.cli import output, place, project
from tiphys.cli.tree import days, spell
from tiphys.errors import UnknownNameError, UserError
from tiphys.manifest import crons
from tiphys.manifest.crons import Cron
from tiphys.manifest.preview import Skipped, Start, made_up, preview, stopped
from tiphys.manifest.schedule import Every, ScheduleError
from tiphys.report.rows import moment
from tiphys.runtime import RefusedError
from tiphys.runtime.clock import SystemClock

if TYPE_CHECKING:
    from tiphys.cluster.connection import Connection

Row = tuple[str, Mapping[str, Any], Cron | ScheduleError]
"""Where a CronWorkflow stands, the object, and what it means or why it means nothing."""

required = click.option(
    "--on", required=True, metavar="PROFILE", help="The cluster of manifests/PROFILE/profile.yaml."
)


class NoScheduleError(UserError):
    """A project without CronWorkflows."""

    def __init__(self, where: Path) -> None:
        found = "there is no CronWorkflow in manifests/*/."
        super().__init__(str(where), found, "Write `pipeline.cron(…)`, then: tiphys render")


@click.group("cron")
def command() -> None:
    """List, foretell, suspend and resume scheduled runs."""


@command.command("list")
@place.option
@output.option
def show(on: str | None, form: output.Format | None) -> None:
    """List CronWorkflows: of the project's manifests, or with --on those of a cluster."""
    rows = _of_cluster(on) if on else _of_files()
    if form:
        items = [dict(raw) for _, raw, _ in rows]
        output.emit({"apiVersion": "v1", "kind": "List", "items": items}, form)
    elif rows:
        output.console().print(_table(rows, SystemClock().now(), live=bool(on)))
    else:
        file = f"manifests/{on}/install.yaml"
        click.echo(f"There is no CronWorkflow in the namespace. Type: kubectl apply -f {file}")


@command.command("preview")
@click.argument("name")
@click.option(
    "-n",
    "--number",
    default=5,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many starts.",
)
@place.option
def foretell(name: str, number: int, on: str | None) -> None:
    """Print the next starts of NAME, a CronWorkflow or a file, and what changes of clocks do."""
    cron = _chosen(name, on)
    click.echo(_headline(cron))
    for one in preview(cron, SystemClock().now(), number):
        click.echo(f"  {_start(one)}" if isinstance(one, Start) else f"  {_skipped(one)}")
    if cron.suspended:
        resume = f"tiphys cron resume {cron.name} --on {on or 'PROFILE'}"
        click.echo(f"It is suspended: none of these will start. Type: {resume}")
    if any(isinstance(one, Every) for one in cron.schedules):
        click.echo("@every counts from the moment at which the controller reads it.")


@command.command("suspend")
@click.argument("name")
@required
def suspend(name: str, on: str) -> None:
    """Start no more runs of NAME; one that runs goes on."""
    from tiphys.cluster import crons as there  # noqa: PLC0415 - files need no cluster client

    cron = _understood(there.suspend(_connection(on), name))
    click.echo(f"{name} is suspended. Type: tiphys cron resume {name} --on {on}")
    if isinstance(cron, Cron) and cron.starting_deadline:
        late = f"if it is not more than {spell(cron.starting_deadline)} late"
        click.echo(f"On resume the newest start that it misses is made up for, {late}.")


@command.command("resume")
@click.argument("name")
@required
def resume(name: str, on: str) -> None:
    """Start runs of NAME again."""
    from tiphys.cluster import crons as there  # noqa: PLC0415 - files need no cluster client

    cron, now = crons.of(there.resume(_connection(on), name)), SystemClock().now()
    due, missed = cron.next(now), made_up(cron, now)
    if due and not stopped(cron):
        late = f" {_late(cron, missed)}" if missed else ""
        click.echo(f"{name} is resumed.{late} It starts next at {_clock(due)}.")
    else:
        click.echo(f"{name} ended.")


def _of_files() -> list[Row]:
    """Return the CronWorkflows of all clusters' manifests; wrong ones are an error."""
    home = project.root()
    paths = [path for path in sorted(home.glob("manifests/*/*.yaml")) if _is_ours(path)]
    found, findings = crons.read(paths)
    if findings.failed:
        raise RefusedError(findings.problems)
    if not found:
        raise NoScheduleError(home)
    return [(path.parent.name, cron.raw, cron) for path, cron in found]


def _is_ours(path: Path) -> bool:
    """Whether a rendered manifest is no copy of others, as install.yaml is."""
    return path.name not in {"install.yaml", "profile.yaml", "images.yaml"}


def _of_cluster(on: str) -> list[Row]:
    from tiphys.cluster import crons as there  # noqa: PLC0415 - files need no cluster client

    return [(on, raw, _understood(raw)) for raw in there.list_crons(_connection(on))]


def _understood(raw: Mapping[str, Any]) -> Cron | ScheduleError:
    try:
        return crons.of(raw)
    except ScheduleError as wrong:
        return wrong


def _connection(on: str) -> "Connection":
    from tiphys.cluster.connection import connect_to  # noqa: PLC0415 - files need no cluster client

    return connect_to(project.profile(project.root(), on), os.environ)


def _chosen(name: str, on: str | None) -> Cron:
    """Return the CronWorkflow called *name*, or the first of the file *name*."""
    if Path(name).suffix in {".yaml", ".yml"}:
        found, findings = crons.read([Path(name)])
        if findings.failed:
            raise RefusedError(findings.problems)
        rows: list[Row] = [(name, cron.raw, cron) for _, cron in found]
        name = found[0][1].name if found else name
    else:
        rows = _of_cluster(on) if on else _of_files()
    for _, raw, cron in rows:
        if raw["metadata"]["name"] == name:
            if isinstance(cron, ScheduleError):
                raise cron
            return cron
    known = [raw["metadata"]["name"] for _, raw, _ in rows]
    raise UnknownNameError(on or "manifests", "CronWorkflow", name, known)


def _table(rows: Sequence[Row], now: datetime, *, live: bool) -> Table:
    cluster, state = ((), ("LAST (UTC)", "ACTIVE")) if live else (("CLUSTER",), ())
    table = output.table("NAME", *cluster, "SCHEDULE", "TIME ZONE", "NEXT", *state, "")
    for column in table.columns:
        column.no_wrap = column.header in {"NAME", "ACTIVE"}
    for where, raw, cron in rows:
        spec = raw["spec"]
        table.add_row(
            raw["metadata"]["name"],
            *(() if live else (where,)),
            "\n".join(spec.get("schedules") or ()),
            spec.get("timezone") or "the controller's",
            *_cells(raw, cron, now, live=live),
        )
    return table


def _cells(
    raw: Mapping[str, Any], cron: Cron | ScheduleError, now: datetime, *, live: bool
) -> list[Text]:
    status = raw.get("status") or {}
    last = moment(status.get("lastScheduledTime"))
    state = [
        Text(f"{last:%Y-%m-%d %H:%M}" if last else "never"),
        Text("\n".join(str(one["name"]) for one in status.get("active") or ())),
    ]
    said = [str(one["message"]) for one in status.get("conditions") or () if one.get("message")]
    if isinstance(cron, ScheduleError):
        said.append(str(cron))
    return [_next(cron, now), *(state if live else ()), Text("\n".join(said), style="red")]


def _next(cron: Cron | ScheduleError, now: datetime) -> Text:
    if isinstance(cron, ScheduleError):
        return Text("never", style="red")
    if cron.suspended:
        return Text("suspended", style="yellow")
    due = cron.next(now)
    if due is None:
        return Text("never", style="red")
    return Text(f"{due:%Y-%m-%d %H:%M %Z}, in {days(due - now)}")


def _headline(cron: Cron) -> str:
    late = cron.starting_deadline
    missed = f"made up for within {spell(late)}" if late else "not made up for"
    schedules = ", ".join(one.text for one in cron.schedules)
    zone = cron.timezone or "the controller's time zone, taken as UTC"
    return f"{cron.name}: {schedules} in {zone}; {cron.policy}; a missed start is {missed}"


def _late(cron: Cron, missed: datetime) -> str:
    active = [str(one["name"]) for one in cron.raw["status"].get("active") or ()]
    when = "at once"
    if active and cron.policy == "Forbid" and cron.starting_deadline:
        limit = f"if that is not more than {spell(cron.starting_deadline)} late"
        when = f"when {', '.join(active)} has ended, {limit}"
    return f"A start was missed at {_clock(missed)}: it comes {when}."


def _start(start: Start) -> str:
    note = "   clocks went back: this time comes a second time, and starts again"
    return _clock(start.at) + (note if start.again else "")


def _clock(when: datetime) -> str:
    return f"{when:%a %Y-%m-%d %H:%M:%S %Z}   {when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _skipped(skipped: Skipped) -> str:
    times = "is" if skipped.count == 1 else f"and {skipped.count - 1} more are"
    why = "that day has no midnight" if skipped.exists else "clocks go forward over it"
    return f"{skipped.first:%a %Y-%m-%d %H:%M:%S} {times} skipped: {why}"
