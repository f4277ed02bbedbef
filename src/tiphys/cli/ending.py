"""How a run ends for the person who started it: why it failed, what came of it, where to look."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from tiphys.cli import pages, place
from tiphys.cli.place import Place
from tiphys.cli.tree import headline
from tiphys.engine.deadlines import SHUT_DOWN
from tiphys.report.rows import Row, rows
from tiphys.runtime import Outcome
from tiphys.runtime.clock import SystemClock

INTERRUPTED = 130
TAIL_LINES = 12


def finish(where: Place, outcome: Outcome, console: Console) -> int:
    """Print the end of a run, write its page, and return the exit code."""
    if outcome.interrupted:
        console.print(Text(outcome.message, style="yellow"), soft_wrap=True)
        return INTERRUPTED
    if not console.is_terminal:  # a terminal still shows the tree
        console.print(headline(outcome.workflow, SystemClock().now(), where.context))
    console.print()
    succeeded = outcome.phase == "Succeeded"
    for line in _results(where, outcome) if succeeded else _failures(where, outcome):
        console.print(line, soft_wrap=True)
    console.print(Text(f"{'page':<10} {pages.write(where, outcome.workflow)}"), soft_wrap=True)
    return 0 if succeeded else 1


def _results(where: Place, outcome: Outcome) -> Iterator[Text]:
    """Yield what came of it. A step that gives an endpoint ends its log with how to ask it."""
    for row in rows(outcome.workflow):
        if summary := row.outputs.get("summary"):
            yield Text(f"{row.name:<10} {summary}")
        if endpoint := row.outputs.get("endpoint"):
            yield Text(f"{row.name:<10} {endpoint}")
            for _, last in place.heard(where, outcome.name, row.attempts[-1].name)[-1:]:
                yield Text(f"{'':<10} {last}", style="dim")


def _failures(where: Place, outcome: Outcome) -> Iterator[Text]:
    for row in rows(outcome.workflow):
        if row.phase in {"Failed", "Error"} and row.attempts and not _was_ended(row):
            yield from _failure(where, outcome, row)
    if outcome.message:
        yield Text(f"{outcome.phase}: {outcome.message}", style="red")


def _was_ended(row: Row) -> bool:
    """Whether the step failed only because the run was stopped, which the run itself says."""
    return row.attempts[-1].message.startswith(SHUT_DOWN)


def _failure(where: Place, outcome: Outcome, row: Row) -> Iterator[Text]:
    """Yield why *row* failed and was not tried again, its log's last lines, where the rest is."""
    last = row.attempts[-1]
    yield Text(f"{row.name}: {last.message or row.message}", style="bold red")
    if last.decision:
        yield Text(f"  → {last.decision}")
    lines = [line for _, line in place.heard(where, outcome.name, last.name)]
    for line in lines[-TAIL_LINES:]:
        yield Text(f"  │ {line}", style="dim")
    if len(lines) > TAIL_LINES:
        words = f"{outcome.name} {last.name}{where.suffix}"
        yield Text(f"  └ all {len(lines)} lines: tiphys logs {words}")
