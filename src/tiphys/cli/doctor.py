"""`tiphys doctor`."""

from collections.abc import Iterable

import click
from rich.console import Console
from rich.text import Text

from tiphys.cli import output, place, project
from tiphys.report.health import Check

_SIGNS = {True: ("✔", "green"), False: ("✘", "bold red"), None: ("-", "dim")}


@click.command("doctor")
@place.option
def command(on: str | None) -> int:
    """Check that this machine, or with --on a cluster, has what the project needs.

    Exit codes: 0 all is there, 1 something is missing, 2 nobody answers.
    """
    home, console = project.root(), output.console()
    if on is None:
        from tiphys.cli.examination import machine  # noqa: PLC0415 - each imports what it examines

        checks = machine.checks(home)
    else:
        from tiphys.cli.examination import cluster  # noqa: PLC0415

        checks = cluster.checks(place.there(home, project.profile(home, on)))
    return 1 if _show(console, checks) else 0


def _show(console: Console, checks: Iterable[Check]) -> int:
    """Print each finding as it comes, and return how many are bad."""
    bad = doubtful = 0
    for check in checks:
        sign, style = _SIGNS[check.good]
        bad += check.good is False
        doubtful += check.good is None and bool(check.advice)
        line = Text(f"{sign} ", style=style)
        line.append(f"{check.what:<28} ", style="bold" if check.good is False else "")
        line.append(check.found, style="dim" if check.good is None else "")
        console.print(line, soft_wrap=True)
        if check.advice:
            console.print(Text(f"  {check.advice}", style="yellow"), soft_wrap=True)
    console.print(f"\n{_summary(bad, doubtful)}")
    return bad


def _summary(bad: int, doubtful: int) -> str:
    if bad:
        return f"{bad} missing or wrong."
    if doubtful:
        return f"Nothing is known to be missing; {doubtful} to look at yourself."
    return "All is there."
