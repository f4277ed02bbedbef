"""What runs of this machine leave behind: their folders, their artifacts, archives of the code."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tiphys.engine.status import ended
from tiphys.errors import UserError
from tiphys.runtime import folder
from tiphys.runtime.faults import NotEndedError
from tiphys.runtime.folder import HOME, RunFolder
from tiphys.runtime.reading import listed
from tiphys.runtime.record import given


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A run that has ended, or an archive that no run refers to."""

    name: str
    phase: str
    """Of the run; "" for an archive."""
    since: datetime
    bytes_: int


def runs(root: Path, before: datetime) -> Iterator[Left]:
    """Yield the runs that ended *before*, with their artifacts."""
    for run in folder.all_of(root):
        workflow = listed(run)
        since = _ended_at(run)
        if ended(workflow) and not run.driver() and since < before:
            size = sum(_size(path) for path in (run.path, _artifacts(root, run.name)))
            phase = workflow["status"]["phase"]
            yield Left(name=run.name, phase=phase, since=since, bytes_=size)


def archives(root: Path, before: datetime) -> Iterator[Left]:
    """Yield the archives stored *before* that no run here was given as its code."""
    wanted = {code for run in folder.all_of(root) if (code := _code(run))}
    for path in sorted((root / HOME / "artifacts" / "code").glob("*.tgz")):
        since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if path.stem not in wanted | {"latest"} and not path.is_symlink() and since < before:
            yield Left(name=path.stem, phase="", since=since, bytes_=path.stat().st_size)


def remove(root: Path, left: Left) -> None:
    """Remove it, with its artifacts if it is a run; an archive not if it was stored again since.

    Raises: NotEndedError: the run was taken up meanwhile. BusyRunError: it is being driven.
    """
    if not left.phase:
        path = root / HOME / "artifacts" / "code" / f"{left.name}.tgz"
        if path.exists() and datetime.fromtimestamp(path.stat().st_mtime, UTC) == left.since:
            path.unlink()
        return
    found = folder.find(root, left.name)
    with found.locked():
        if not ended(listed(found)):
            raise NotEndedError(left.name)
        folder.remove(found)
    shutil.rmtree(_artifacts(root, left.name), ignore_errors=True)


def _artifacts(root: Path, run: str) -> Path:
    """Return where artifacts of *run* are whose key begins with its name, as it does by default."""
    return root / HOME / "artifacts" / run


def _code(run: RunFolder) -> str:
    with suppress(UserError):
        return given(run).get("code", "")
    return ""


def _ended_at(run: RunFolder) -> datetime:
    known = run.status if run.status.exists() else run.path
    return datetime.fromtimestamp(known.stat().st_mtime, UTC)


def _size(path: Path) -> int:
    return sum(one.lstat().st_size for one in path.rglob("*") if not one.is_dir())
