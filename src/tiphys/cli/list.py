"""`tiphys list`."""

from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from tiphys import runtime
from tiphys.cli import output, place
from tiphys.cli.tree import held, phase_of, spell, style
from tiphys.report.rows import moment
from tiphys.runtime import Workflow


@click.command("list")
@place.option
@output.option
def command(on: str | None, form: output.Format | None) -> None:
    """List runs, the newest first."""
    runs = place.find(on).list_runs()
    if form:
        output.emit({"apiVersion": "v1", "kind": "List", "items": list(runs)}, form)
    elif runs:
        output.console().print(_table(runs))
    else:
        click.echo("There are no runs yet. Type: tiphys run FILE")


def _table(runs: Sequence[Workflow]) -> Table:
    table = output.table("NAME", "PHASE", "STARTED (UTC)", "DURATION", "MESSAGE")
    for run in runs:
        table.add_row(run["metadata"]["name"], *_cells(run))
    return table


def _cells(run: Workflow) -> list[Text]:
    status = run.get("status") or {}
    phase = phase_of(run)
    started, ended = moment(status.get("startedAt")), moment(status.get("finishedAt"))
    return [
        Text(phase + (", suspended" if held(run) else ""), style=style(phase)),
        Text(f"{started:%Y-%m-%d %H:%M:%S}" if started else ""),
        Text(spell(ended - started) if started and ended else ""),
        Text(status.get("message") or _abandoned(run)),
    ]


def _abandoned(run: Workflow) -> str:
    """Return how to go on with a run of this machine that nobody drives; "" for any other."""
    if runtime.driven(run):
        return ""
    return f"interrupted: tiphys resume {run['metadata']['name']}"
