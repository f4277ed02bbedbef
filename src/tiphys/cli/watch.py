"""`tiphys watch`."""

import click

from tiphys.cli import place
from tiphys.cli.verb import carry_out


@click.command("watch")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> int:
    """Show the run NAME live until it has ended, and end as it does. Ctrl-C ends the watching."""
    where = place.find(on)
    return carry_out(where, lambda display: where.watch(name, display))
