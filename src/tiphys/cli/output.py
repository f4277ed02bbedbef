"""How a command prints: text for a person, or the Workflow object for a program."""

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, Literal

import click
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

Format = Literal["json", "yaml"]

option = click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["json", "yaml"]),
    help="Print what is shown as an object, as kubectl does.",
)


class Steady(Console):
    """Falls silent where nobody reads any more: a run does not end for that."""

    def on_broken_pipe(self) -> None:
        """Send what is still said to nowhere."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def console(*, aside: bool = False) -> Console:
    """Return where people read: stdout, or stderr when stdout belongs to a program."""
    width = None if (sys.stdout and sys.stdout.isatty()) or "COLUMNS" in os.environ else 120
    return Steady(stderr=aside, highlight=False, emoji=False, width=width)


def table(*titles: str) -> Table:
    """Return the table that lists print."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for title in titles:
        made.add_column(title, overflow="fold")
    return made


def unseen(on: Console, sentences: Iterable[str]) -> None:
    """Print what nobody could look at, and why."""
    for sentence in sentences:
        on.print(Text(f"\nnot looked at  {sentence}", style="dim"), soft_wrap=True)


def emit(value: Any, form: Format) -> None:
    """Print *value* as JSON or YAML on stdout."""
    if form == "json":
        click.echo(json.dumps(value, indent=4, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), nl=False)
