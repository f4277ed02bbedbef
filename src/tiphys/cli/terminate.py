"""`tiphys terminate`."""

import click

from tiphys.cli import place
from tiphys.cli.verb import carry_out


@click.command("terminate")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> None:
    """End the run NAME at once: its running steps are ended, and no exit handler runs."""
    where = place.find(on)
    told = f"{name} is told to end."
    carry_out(where, lambda display: where.terminate(name, display), told)
