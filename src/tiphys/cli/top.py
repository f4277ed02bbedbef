"""`tiphys top`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tiphys.cli import output, place, project
from tiphys.cli.tree import spell
from tiphys.report import usage
from tiphys.report.quantities import spelled
from tiphys.report.usage import Level, Use
from tiphys.runtime import machine, settings
from tiphys.runtime.clock import SystemClock

if TYPE_CHECKING:
    from tiphys.cli.there import There


@click.command("top")
@place.option
def command(on: str | None) -> None:
    """Show what there is, what is in use and who waits: per tier on a cluster, else here."""
    console = output.console()
    used = usage.uses(place.find(on).busy())
    if on is None:
        console.print(_here(used))
    else:
        used = _there(console, on, used)
    console.print()
    console.print(_steps(used) if used else Text("No step runs or waits.", style="dim"))


def _there(console: Console, on: str, used: list[Use]) -> list[Use]:
    """Print the tiers, and return the steps with what is seen of their gangs."""
    home = project.root()
    profile = project.profile(home, on)
    where = place.there(home, profile)
    nodes, unseen = where.nodes()
    used, no_gangs = _gangs(where, used)
    console.print(_levels(usage.levels(profile.tiers.values(), used, nodes)))
    output.unseen(console, (*unseen, *no_gangs))
    return used


def _gangs(where: "There", used: list[Use]) -> tuple[list[Use], Sequence[str]]:
    """Return *used* by the pods of gangs, and why these could not be looked at."""
    from tiphys.cluster import sight  # noqa: PLC0415 - this machine has no gangs

    tiers = where.profile.tiers
    if not any(usage.launches(use, tiers) for use in used):
        return used, ()
    seen = sight.of_gangs(where.api())
    if seen.pods is None:
        return used, [f"{why} A gang counts as its launcher does." for why in seen.unseen]
    return usage.of_gangs(used, tiers, seen.pods), ()


def _levels(levels: Sequence[Level]) -> Table:
    table = output.table("TIER", "UNIT", "CAPACITY", "", "USED", "WAITING")
    for level in levels:
        full = level.capacity is not None and level.used >= level.capacity
        source = "on the nodes" if level.counted else "by the profile"
        table.add_row(
            level.tier,
            level.unit,
            "?" if level.capacity is None else spelled(level.capacity, level.unit),
            Text("" if level.capacity is None else source, style="dim"),
            Text(spelled(level.used, level.unit), style="yellow" if full and level.used else ""),
            Text(str(level.waiting or "-"), style="yellow" if level.waiting else "dim"),
        )
    return table


def _here(used: Sequence[Use]) -> Table:
    table = output.table("", "CAPACITY", "USED", "WAITING")
    running, slots = sum(use.running for use in used), settings.slots()
    table.add_row(f"steps, {slots} a run", "", str(running), str(len(used) - running or "-"))
    if memory := machine.memory():
        taken = Decimal(memory.total_bytes - memory.free_bytes)
        whole = spelled(Decimal(memory.total_bytes), "memory")
        table.add_row("memory", whole, spelled(taken, "memory"), "")
    table.add_row("cores", str(machine.cores()), "", "")
    return table


def _steps(used: Sequence[Use]) -> Table:
    now = SystemClock().now()
    table = output.table("RUN", "STEP", "TIER", "", "FOR", "WHERE")
    for use in sorted(used, key=lambda use: (not use.running, use.run)):
        word = ("runs", "cyan") if use.running else ("waits", "yellow")
        since = spell(now - use.since) if use.since else ""
        table.add_row(use.run, use.step, use.tier, Text(word[0], style=word[1]), since, use.host)
    return table
