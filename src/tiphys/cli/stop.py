"""`tiphys stop`."""

import click

from tiphys.cli import place
from tiphys.cli.verb import carry_out


@click.command("stop")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> None:
    """Stop the run NAME: its running steps are ended, its exit handler still runs."""
    where = place.find(on)
    told = f"{name} is told to stop."
    carry_out(where, lambda display: where.stop(name, display), told)
