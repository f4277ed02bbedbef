"""What a running step says: metrics on stdout, progress in Argo's file."""

import json
import os
from pathlib import Path
from typing import NamedTuple

from tiphys.step.forms import Number

MARK = "tiphys.metric "
"""A log line that starts so is a metric; the rest of it is a JSON object."""

PROGRESS = "tiphys.progress "
"""A log line that starts so is progress, `N/M` after it."""

METRICS_FILE = "TIPHYS_METRICS_FILE"
"""Set by `tiphys.step` for itself and its children: the workers of a gang report through it too."""


def metric(name: str, value: float, *, step: int | None = None) -> None:
    """Say that *name* has *value* now, at *step* if it is one of a series.

    One line on stdout, at once: the live tree, the cluster's log and the report all read it there.
    """
    entry = {"name": name, "value": Number(float, "a number").write(value)}
    if step is not None:
        entry["step"] = step
    line = json.dumps(entry, ensure_ascii=False)
    print(f"{MARK}{line}", flush=True)  # noqa: T201 -- the log is where metrics travel
    if path := os.environ.get(METRICS_FILE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class Metric(NamedTuple):
    """One logged value; *step* is None where it was not one of a series."""

    name: str
    value: float
    step: float | None


def read_metric(line: str) -> Metric | None:
    """Return what `metric` said in this line of a log; None for any other line.

    >>> read_metric('tiphys.metric {"name": "loss", "value": 0.5}')
    Metric(name='loss', value=0.5, step=None)
    >>> read_metric("tiphys.metric of nothing")
    """
    if not line.startswith(MARK):
        return None
    try:
        said = json.loads(line.removeprefix(MARK))
        step = said.get("step")
        return Metric(
            name=str(said["name"]),
            value=float(said["value"]),
            step=None if step is None else float(step),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def progress(done: int, total: int) -> None:
    """Say that *done* of *total* are done, as Argo reads it; nothing happens outside a run.

    A pod that Argo did not start says each new percent in its log, with TIPHYS_PROGRESS=log.
    """
    if path := os.environ.get("ARGO_PROGRESS_FILE"):
        Path(path).write_text(f"{min(done, total)}/{total}\n", encoding="utf-8")
    elif os.environ.get("TIPHYS_PROGRESS") == "log" and _is_new_percent(done, total):
        print(f"{PROGRESS}{min(done, total)}/{total}", flush=True)  # noqa: T201 -- see metric


def relay(line: str) -> None:
    """Say what another process of this step, on another machine, wrote to its log."""
    if line.startswith(PROGRESS):
        done, _, total = line.removeprefix(PROGRESS).partition("/")
        progress(int(done), int(total))
        return
    print(line, flush=True)  # noqa: T201 -- see metric
    path = os.environ.get(METRICS_FILE)
    if path and read_metric(line):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line.removeprefix(MARK) + "\n")


def _is_new_percent(done: int, total: int) -> bool:
    return done >= total or done * 100 // total > (done - 1) * 100 // total


def last_values(path: Path) -> dict[str, float | str]:
    """Return the last value of each metric in the file that `metric` wrote."""
    if not path.exists():
        return {}
    entries = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {entry["name"]: entry["value"] for entry in entries}
