"""`tiphys retry`."""

import click

from tiphys.cli import output, place
from tiphys.cli.ending import finish
from tiphys.cli.live import Display
from tiphys.runtime.clock import SystemClock


@click.command("retry")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> int:
    """Run what failed in the run NAME again; what succeeded stays."""
    where, console = place.find(on), output.console()
    with Display(console, SystemClock().now, where.context) as display:
        outcome = where.retry(name, display)
    return finish(where, outcome, console)
