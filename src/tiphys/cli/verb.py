"""How a verb is carried out: it is shown while it lasts, and ends as the run does."""

from collections.abc import Callable

import click

from tiphys.cli import output
from tiphys.cli.ending import finish
from tiphys.cli.live import Display
from tiphys.cli.place import Place
from tiphys.runtime import Observer, Outcome
from tiphys.runtime.clock import SystemClock


def carry_out(where: Place, verb: Callable[[Observer], Outcome | None], told: str = "") -> int:
    """Run *verb* with a live display and return the exit code.

    *told* is what is said when somebody else carries it out, and *verb* gives no outcome.
    """
    console = output.console()
    with Display(console, SystemClock().now, where.context) as display:
        outcome = verb(display)
    if outcome is None:
        click.echo(told)
        return 0
    return finish(where, outcome, console)
