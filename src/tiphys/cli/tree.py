"""The live tree of a run: a line a step, with phase, time, attempt, progress, latest metrics."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tiphys.engine.status import ended, suspended
from tiphys.report.rows import Attempt, Row, moment, rows

SIGNS: Mapping[str, tuple[str, str]] = {
    "": ("○", "dim"),
    "Pending": ("◌", "yellow"),
    "Running": ("◐", "cyan"),
    "Succeeded": ("✔", "green"),
    "Skipped": ("·", "dim"),
    "Omitted": ("·", "dim"),
    "Failed": ("✘", "bold red"),
    "Error": ("✘", "bold magenta"),
}
_BAR_CELLS = 20
_OUTPUT = re.compile(r"{{\s*(?:tasks|steps)\.([\w-]+)\.outputs\.(?:parameters\.)?([\w-]+)\s*}}")
"""A tag that names another step's output; a person reads `evaluate.passed`."""

_PARAMETER = re.compile(r"{{\s*workflow\.parameters\.([\w-]+)\s*}}")


def tree(workflow: Mapping[str, Any], now: datetime, context: str = "") -> Group:
    """Return the whole picture of *workflow* at *now*; *context* ends the first line."""
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows(workflow):
        sign, colour = SIGNS.get(row.phase, SIGNS[""])
        table.add_row(
            Text(f" {sign}", style=colour),
            Text("  " * row.depth + row.name, style="dim" if not row.phase else ""),
            Text(_time(row, now), justify="right"),
            Text.from_markup(detail(row)),
        )
    return Group(headline(workflow, now, context), table)


def phase_of(workflow: Mapping[str, Any]) -> str:
    """Return the phase of a run; Argo writes none before it has looked at it."""
    return str((workflow.get("status") or {}).get("phase") or "Pending")


def held(workflow: Mapping[str, Any]) -> bool:
    """Return whether a run that has not ended is suspended."""
    return suspended(workflow) and not ended(workflow)


def style(phase: str) -> str:
    """Return how *phase* is coloured."""
    return SIGNS.get(phase, SIGNS[""])[1]


def headline(workflow: Mapping[str, Any], now: datetime, context: str) -> Text:
    status = workflow.get("status") or {}
    phase = phase_of(workflow)
    started = moment(status.get("startedAt"))
    ended = moment(status.get("finishedAt")) or now
    text = Text(workflow["metadata"]["name"], style="bold")
    text.append(f"  {phase}{', suspended' if held(workflow) else ''}", style=style(phase))
    text.append(f" {spell(ended - started) if started else ''}   {context}".rstrip(), style="dim")
    return text


def detail(row: Row, *, moving: bool = True) -> str:
    """Return what is worth saying of one step, as rich markup; *moving* has its progress too."""
    said = [_bar(row)] if moving and row.phase == "Running" and row.progress else []
    if row.phase in {"Running", "Succeeded"}:
        said += [f"{name} {value:.4g}" for name, value in list(row.metrics.items())[:4]]
    if row.phase == "Succeeded" and not row.metrics:
        said += _short_outputs(row)
    if len(row.attempts) > 1:
        earlier = row.attempts[-2].message
        said.append(f"attempt {len(row.attempts)}" + (f" ({_escape(earlier)})" if earlier else ""))
    if row.phase in {"Failed", "Error"} and (message := _why(row)):
        said.append(_escape(message))
    if row.when and row.phase in {"", "Skipped"}:
        condition = _PARAMETER.sub(r"\1", _OUTPUT.sub(r"\1.\2", row.when))
        said.append(f"[dim]when {_escape(condition)}[/dim]")
    return "  ".join(said)


def _why(row: Row) -> str:
    """Return how the last attempt ended and what followed, where that is known."""
    last = row.attempts[-1] if row.attempts else None
    if last is None or not last.decision:
        return row.message
    return f"{last.message} → {last.decision}" if last.message else last.decision


def used(row: Row, attempt: Attempt) -> str:
    """Return peak memory and processor time of *attempt*, beside what its step asked for."""
    if attempt.memory_bytes is None:
        return ""
    asked = f" of {row.requests['memory']}" if "memory" in row.requests else ""
    return f"{attempt.memory_bytes / 2**20:.0f} MiB{asked}, {attempt.cpu_seconds or 0.0:.1f} s CPU"


def spell(elapsed: timedelta) -> str:
    """Return a duration as a person writes it.

    >>> spell(timedelta(seconds=0.31)), spell(timedelta(seconds=75)), spell(timedelta(hours=2))
    ('0.3s', '1:15', '2:00:00')
    """
    seconds = max(elapsed.total_seconds(), 0.0)
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def days(time: timedelta) -> str:
    """Return a long time to the day, one below two days as runs are timed.

    >>> days(timedelta(days=3, hours=5)), days(timedelta(hours=30))
    ('3 days', '30:00:00')
    """
    return f"{time.days} days" if time.days > 1 else spell(time)


def _time(row: Row, now: datetime) -> str:
    elapsed = row.duration(now)
    return "" if elapsed is None or row.phase in {"Skipped", "Omitted"} else spell(elapsed)


def _bar(row: Row) -> str:
    done, total = row.progress or (0, 1)
    filled = round(_BAR_CELLS * done / max(total, 1))
    return f"{done}/{total} [cyan]{'━' * filled}[/cyan][dim]{'━' * (_BAR_CELLS - filled)}[/dim]"


def _short_outputs(row: Row) -> list[str]:
    short = {k: v for k, v in row.outputs.items() if v and len(v) <= 24 and not v.startswith("{")}
    return [f"{name} {_escape(value)}" for name, value in list(short.items())[:4]]


def _escape(text: str) -> str:
    return text.replace("[", "\\[")
