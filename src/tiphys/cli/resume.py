"""`tiphys resume`."""

import click

from tiphys.cli import place
from tiphys.cli.verb import carry_out


@click.command("resume")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> int:
    """Let the suspended run NAME go on; here, take up an interrupted one where it stopped."""
    where = place.find(on)
    return carry_out(where, lambda display: where.resume(name, display), f"{name} goes on.")
