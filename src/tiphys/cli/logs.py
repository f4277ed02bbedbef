"""`tiphys logs`."""

import click

from tiphys.cli import place


@click.command("logs")
@click.argument("name")
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@place.option
def command(name: str, step: str | None, *, follow: bool, on: str | None) -> None:
    """Print the logs of the run NAME, or of its step STEP only."""
    for who, line in place.find(on).logs(name, step, follow=follow):
        click.echo(line if step else f"{who}: {line}")
