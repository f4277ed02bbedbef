"""`tiphys stop`."""

import click

from tiphys.cli import output, place
from tiphys.cli.ending import finish
from tiphys.cli.live import Display
from tiphys.runtime.clock import SystemClock


@click.command("stop")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> None:
    """Stop the run NAME: its running steps are ended, its exit handler still runs."""
    where = place.find(on)
    console = output.console()
    with Display(console, SystemClock().now, where.context) as display:
        outcome = where.stop(name, display)
    if outcome is None:
        click.echo(f"{name} is told to stop.")
    else:
        finish(where, outcome, console)
