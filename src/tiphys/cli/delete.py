"""`tiphys delete`."""

import click

from tiphys.cli import place


@click.command("delete")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> None:
    """Delete the ended run NAME and its logs; models, data and other artifacts stay."""
    place.find(on).delete(name)
    click.echo(f"{name} is deleted.")
