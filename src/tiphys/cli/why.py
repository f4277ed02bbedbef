"""`tiphys why`."""

import re
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tiphys import runtime
from tiphys.cli import output, place
from tiphys.cli.tree import headline
from tiphys.engine.status import ended
from tiphys.report.waiting import Reason, explain
from tiphys.runtime import Workflow
from tiphys.runtime.clock import SystemClock


@click.command("why")
@click.argument("name")
@click.argument("step", required=False)
@place.option
def command(name: str, step: str | None, on: str | None) -> None:
    """Say what each waiting step of the run NAME waits for, or STEP only, and what to do."""
    where, console = place.find(on), output.console()
    run = where.get(name)
    console.print(headline(run, SystemClock().now(), where.context))
    if ended(run):
        console.print(f"\nNothing waits: it has ended. `tiphys get {name}{where.suffix}`")
        return
    evidence, unseen = where.evidence(name)
    reasons = [*_undriven(run), *explain(run, evidence)]
    chosen = [one for one in reasons if step is None or _is(one, step)]
    _show(console, chosen, where.suffix)
    if not chosen:
        who = step or "step"
        console.print(f"\nNo {who} waits." if step is None else f"\n{who} does not wait.")
    output.unseen(console, unseen if chosen else ())


_ATTEMPT = re.compile(r"\([^()]*\)$")
"""What the name of an attempt, or of a child of a loop, has behind that of its step."""


def _undriven(run: Workflow) -> Sequence[Reason]:
    """Return why a run of this machine that nobody drives stands still."""
    if runtime.driven(run):
        return ()
    found = "somebody to take it up: it was interrupted, and nobody drives it"
    return [Reason(step="", kind="driver", found=found, advice=_resume(run))]


def _resume(run: Workflow) -> str:
    return f"tiphys resume {run['metadata']['name']}"


def _is(reason: Reason, step: str) -> bool:
    """Return whether *reason* is of *step*: its path or last name, with or without the attempt."""
    path = reason.step.partition(", its gang")[0]
    names = {path, path.rpartition(".")[2]}
    return not path or step in names | {_ATTEMPT.sub("", name) for name in names}


def _show(console: Console, reasons: Sequence[Reason], on: str) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2), pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(no_wrap=True, style="yellow")
    table.add_column(overflow="fold")
    for reason in reasons:
        found = Text(f"waits for {reason.found}")
        if reason.advice:
            command_line = reason.advice.startswith("tiphys resume")
            advice = f"Type: {reason.advice}{on}" if command_line else reason.advice
            found.append(f"\n{advice}", style="dim")
        table.add_row(reason.step or "the run", reason.kind, found)
    if reasons:
        console.print()
        console.print(table)
