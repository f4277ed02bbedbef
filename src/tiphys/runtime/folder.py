"""A run's folder: its files, its lock, and the door through which a living driver is told to stop.

    manifest.yaml  files/<n>.yaml  run.json  journal.jsonl  status.json  lock  control
    nodes/<node id>/{request.json, work/, out/parameters/, out/artifacts/, log, stdout, exitcode,
                     usage.json, message, progress, pid, alive}

`work/` mirrors the paths that the template declares; `out/` is what the node gave.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiphys.errors import UnknownNameError
from tiphys.runtime.faults import BusyRunError

HOME = ".tiphys"
LOOKS, LOOK_SECONDS = 10, 0.02
"""How often, and how long apart, a lock is tried that somebody may only be looking at."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write *content* so that a reader sees the old file or the new one, whoever writes besides."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.rename(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


@dataclass(frozen=True, slots=True)
class RunFolder:
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def status(self) -> Path:
        return self.path / "status.json"

    @property
    def settings(self) -> Path:
        return self.path / "run.json"

    @property
    def control(self) -> Path:
        """A FIFO that the driver reads; nobody listens where there is no driver."""
        return self.path / "control"

    def files(self) -> list[Path]:
        """Return the manifest's files as they were given, in their order."""
        return sorted((self.path / "files").iterdir(), key=lambda file: int(file.stem))

    def node(self, node: str) -> Path:
        """Return the folder of one attempt."""
        return self.path / "nodes" / node

    def driver(self) -> str:
        """Return the process number of the driver, "" when there is none."""
        try:
            lock = os.open(self.path / "lock", os.O_RDONLY)
        except FileNotFoundError:
            return ""
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.read(lock, 32).decode().strip() or "?"
        else:
            return ""
        finally:
            os.close(lock)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the run's driver within the block.

        Raises: BusyRunError: another process is.
        """
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _taken(lock):
                driver = os.read(lock, 32).decode().strip()
                raise BusyRunError(self.name, driver)
            os.ftruncate(lock, 0)
            with suppress(OSError):  # on a full disk nobody learns the number
                os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(lock)

    def write_status(self, workflow: Mapping[str, Any]) -> None:
        """Replace status.json."""
        write_atomically(self.status, json.dumps(workflow, ensure_ascii=False))

    def tell(self, message: Mapping[str, Any]) -> bool:
        """Send *message* to the driver; return whether there is one."""
        try:
            door = os.open(self.control, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            os.write(door, json.dumps(message).encode() + b"\n")
        finally:
            os.close(door)
        return True


def _taken(lock: int) -> bool:
    """Lock the file for this process alone; whoever only looks lets go of it at once."""
    for _ in range(LOOKS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_SECONDS)
        else:
            return True
    return False


def create(runs: Path, wanted: str) -> RunFolder:
    """Make the folder of a new run; a name that is taken gets the next free number."""
    runs.mkdir(parents=True, exist_ok=True)
    name, number = wanted, 1
    while True:
        try:
            (runs / name).mkdir()
        except FileExistsError:
            number += 1
            name = f"{wanted}-{number}"
        else:
            return RunFolder(runs / name)


def remove(folder: RunFolder) -> None:
    """Delete a run that never began, or that nobody wants any more."""
    shutil.rmtree(folder.path, ignore_errors=True)


def runs_of(root: Path) -> Path:
    """Return the folder that holds the runs of *root*."""
    return root / HOME / "runs"


def find(root: Path, name: str) -> RunFolder:
    """Return the run *name*.

    Raises: UnknownNameError: there is none.
    """
    folder = RunFolder(runs_of(root) / name)
    if not name or "/" in name or not folder.journal.exists():
        known = [run.name for run in all_of(root)]
        raise UnknownNameError(str(runs_of(root)), "run", name, known)
    return folder


def all_of(root: Path) -> list[RunFolder]:
    """Return the runs of *root*, in no order."""
    runs = runs_of(root)
    found = runs.iterdir() if runs.is_dir() else ()
    return [RunFolder(path) for path in found if (path / "journal.jsonl").exists()]
