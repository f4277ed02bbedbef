"""`tiphys resume`."""

import click

from tiphys import runtime
from tiphys.cli import output
from tiphys.cli.ending import finish
from tiphys.cli.live import Display
from tiphys.cli.place import Here
from tiphys.cli.project import root
from tiphys.runtime.clock import SystemClock


@click.command("resume")
@click.argument("name")
def command(name: str) -> int:
    """Take up the run NAME where it was interrupted: what runs is adopted, what is done stays."""
    where, console = Here(root()), output.console()
    with Display(console, SystemClock().now, where.context) as display:
        outcome = runtime.resume(where.root, name, display)
    return finish(where, outcome, console)
