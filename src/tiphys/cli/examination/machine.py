"""This machine: what a run here, and `make run`, need of it."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tiphys.cli import project
from tiphys.report.health import Check
from tiphys.report.quantities import spelled
from tiphys.runtime import machine, memory
from tiphys.runtime.folder import HOME

PYTHON = (3, 11)
FREE_BYTES = 2 * 2**30
"""A run of the reference project writes about a tenth of it."""


def checks(home: Path) -> Iterator[Check]:
    """Yield what is found at this machine, for the project or the folder at *home*."""
    yield _python()
    yield _git(home)
    yield _disk(home)
    yield _memory()
    yield _limits()
    if (home / "dvc.lock").exists():
        yield _dvc(home)
        yield from _data(home)
    if (home / "manifests" / "local").exists():
        yield _profile(home)


def _python() -> Check:
    good = sys.version_info >= PYTHON
    needed = ".".join(map(str, PYTHON))
    advice = "" if good else f"Install Python {needed} or newer."
    return Check(what="Python", good=good, found=platform.python_version(), advice=advice)


def _git(home: Path) -> Check:
    git = shutil.which("git")
    if git is None:
        advice = "Install git: runs are named by the commit, and data is published by it."
        return Check(what="git", good=False, found="is not installed", advice=advice)
    asked = [git, "-C", str(home), "rev-parse", "--short", "HEAD"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    if said.returncode:
        advice = "git init, and a first commit: a run then says which code it ran."
        return Check(what="git", good=False, found="no commit here", advice=advice)
    return Check(what="git", good=True, found=f"at {said.stdout.strip()}")


def _disk(home: Path) -> Check:
    free = shutil.disk_usage(home).free
    good = free >= FREE_BYTES
    advice = "" if good else "`tiphys prune` shows what can go."
    found = f"{spelled(Decimal(free), 'memory')} free"
    return Check(what="disk", good=good, found=found, advice=advice)


def _memory() -> Check:
    known = machine.memory()
    if known is None:
        return Check(what="memory", good=None, found="this system does not say")
    free, whole = (
        spelled(Decimal(size), "memory") for size in (known.free_bytes, known.total_bytes)
    )
    return Check(what="memory", good=True, found=f"{free} free of {whole}")


def _limits() -> Check:
    if memory.groups() is not None:
        return Check(what="memory limits", good=True, found="are enforced on steps here")
    found = "cannot be enforced here: no control group may be made; a step may take all memory"
    return Check(what="memory limits", good=None, found=found)


def _dvc(home: Path) -> Check:
    config = home / ".dvc" / "config"
    text = config.read_text(encoding="utf-8") if config.exists() else ""
    if "remote" in text:
        return Check(what="DVC remote", good=True, found="is configured")
    found = "none is configured: data can be made again here, but not shared"
    return Check(what="DVC remote", good=None, found=found)


def _data(home: Path) -> Iterator[Check]:
    """Yield for each output in dvc.lock whether its bytes are here."""
    locked = yaml.load((home / "dvc.lock").read_text(encoding="utf-8"), yaml.CSafeLoader)
    for stage in (locked.get("stages") or {}).values():
        for out in stage.get("outs") or ():
            yield _output(home, out)


def _output(home: Path, out: dict[str, Any]) -> Check:
    what, digest = f"data {out['path']}", str(out["md5"])
    cached = home / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    if cached.exists():
        return Check(what=what, good=True, found=f"{digest[:12]} is in the cache")
    if (home / out["path"]).exists():
        found = "is in the folder, but its bytes are not in the cache"
        return Check(what=what, good=False, found=found, advice="Type: make data")
    advice = "Type: make data, or dvc pull where there is a remote."
    return Check(what=what, good=False, found=f"{digest[:12]} is not here", advice=advice)


def _profile(home: Path) -> Check:
    profile = project.profile(home, "local")
    runs = home / HOME / "runs"
    count = sum(1 for _ in runs.iterdir()) if runs.is_dir() else 0
    found = f"{len(profile.tiers)} tiers; {count} runs are kept in {HOME}/runs"
    return Check(what="profile local", good=True, found=found)
