"""`tiphys get`."""

from collections.abc import Iterator

import click
from rich.table import Table
from rich.text import Text

from tiphys.cli import output, place
from tiphys.cli.tree import style, tree, used
from tiphys.report.rows import Attempt, rows
from tiphys.runtime import Workflow
from tiphys.runtime.clock import SystemClock


@click.command("get")
@click.argument("name")
@place.option
@output.option
def command(name: str, on: str | None, form: output.Format | None) -> None:
    """Show the run NAME: its steps, its attempts with what they used, its outputs."""
    where = place.find(on)
    run = where.get(name)
    if form:
        output.emit(run, form)
        return
    console = output.console()
    console.print(tree(run, SystemClock().now(), where.context))
    for title, table in _tables(run):
        if table.row_count:
            console.print(Text(f"\n{title}", style="bold"))
            console.print(table)


def _tables(run: Workflow) -> Iterator[tuple[str, Table]]:
    yield "Attempts", _attempts(run)
    yield "Tried again, at most so often", _retries(run)
    yield "Outputs", _outputs(run)


def _retries(run: Workflow) -> Table:
    """Return the retry policies of the steps that have begun, equal ones together."""
    table = Table(box=None, show_header=False, padding=(0, 2))
    templates = {row.template: row.retries for row in rows(run) if row.retries}
    for often in dict.fromkeys(templates.values()):
        names = [name for name, its in templates.items() if its == often]
        table.add_row(", ".join(names), Text(often))
    return table


def _attempts(run: Workflow) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for row in rows(run):
        for number, attempt in enumerate(row.attempts, start=1):
            table.add_row(
                row.name,
                f"attempt {number}",
                Text(attempt.phase, style=style(attempt.phase)),
                "" if attempt.exit_code is None else f"exit {attempt.exit_code}",
                used(row, attempt),
                attempt.host,
                Text(_told(attempt)),
            )
    return table


def _told(attempt: Attempt) -> str:
    """Return how *attempt* ended, and below it what followed from that."""
    return "\n→ ".join(filter(None, (attempt.message, attempt.decision)))


def _outputs(run: Workflow) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for row in rows(run):
        for name, value in row.outputs.items():
            table.add_row(row.name, name, Text(value))
        for name, number in row.metrics.items():
            table.add_row(row.name, name, f"{number:.6g}")
    return table
