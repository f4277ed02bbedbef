"""`tiphys prune`."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import click
from rich.text import Text

from tiphys.cli import litter, output, place, project
from tiphys.cli.here import Here
from tiphys.cli.litter import Litter
from tiphys.cli.place import Place
from tiphys.cli.tree import days
from tiphys.errors import UserError
from tiphys.report.quantities import spelled
from tiphys.runtime.clock import SystemClock

AGE = "30d"
_AGE = re.compile(r"(\d+)([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class AgeError(UserError):
    """An `--older-than` that is no time."""

    def __init__(self, text: str) -> None:
        super().__init__(f"--older-than {text}", "this is no age.", "Write 30d, 12h or 90m.")


@click.command("prune")
@place.option
@click.option("--older-than", default=AGE, show_default=True, metavar="AGE", help="30d, 12h, 90m")
@click.option("--yes", is_flag=True, help="Delete what is listed.")
def command(on: str | None, older_than: str, *, yes: bool) -> None:
    """List what no run needs any more, and with --yes delete it.

    Here: folders of ended runs with their artifacts, archives of the code. With --on: gangs whose
    run has ended, archives of the code, pages of runs. What a run may still need stays, also what
    `resume`, `retry` and `resubmit` would need; a gang without a run goes at any age.
    """
    home, now = project.root(), SystemClock().now()
    before = _before(now, older_than)
    unseen: Sequence[str] = ()
    where: Place
    if on is None:
        where, found = Here(home), list(litter.here(home, before))
    else:
        where = cluster = place.there(home, project.profile(home, on))
        found, unseen = litter.there(cluster, before)
    _show(found, now)
    output.unseen(output.console(), unseen)
    if not yes:
        more = f" --older-than {older_than}" if older_than != AGE else ""
        if found:
            click.echo(f"\nNothing is deleted yet. Type: tiphys prune{where.suffix}{more} --yes")
        return
    for one in found:
        one.remove()
        click.echo(f"deleted  {one.kind} {one.name}")


def _before(now: datetime, age: str) -> datetime:
    found = _AGE.fullmatch(age)
    if found is None:
        raise AgeError(age)
    try:
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise AgeError(age) from None


def _show(found: Sequence[Litter], now: datetime) -> None:
    if not found:
        click.echo("There is nothing to delete.")
        return
    table = output.table("KIND", "NAME", "AGE", "SIZE", "WHY")
    for one in found:
        size = "" if one.bytes_ is None else spelled(Decimal(one.bytes_), "memory")
        table.add_row(one.kind, one.name[:40], days(now - one.since), size, Text(one.why))
    output.console().print(table)
