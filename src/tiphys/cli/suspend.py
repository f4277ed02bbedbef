"""`tiphys suspend`."""

import click

from tiphys.cli import place


@click.command("suspend")
@click.argument("name")
@place.option
def command(name: str, on: str | None) -> None:
    """Hold the run NAME: running steps go on, no other begins until `tiphys resume`."""
    where = place.find(on)
    where.suspend(name)
    click.echo(f"{name} is suspended. Go on with: tiphys resume {name}{where.suffix}")
