"""`tiphys resubmit`."""

import click

from tiphys.cli import place
from tiphys.cli.verb import carry_out


@click.command("resubmit")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> int:
    """Start a new run of what NAME ran: the same manifest, with the same parameters."""
    where = place.find(on)
    return carry_out(where, lambda display: where.resubmit(name, display))
