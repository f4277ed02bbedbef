"""`tiphys retry`."""

import click

from tiphys.cli import place
from tiphys.cli.verb import carry_out


@click.command("retry")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> int:
    """Run what failed in the run NAME again; what succeeded stays."""
    where = place.find(on)
    return carry_out(where, lambda display: where.retry(name, display))
