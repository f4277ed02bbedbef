"""Processes that outlive the command which started them, each known by its id and start time."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.places import Places
from harness.shell import Argument, inside

POLL_SECONDS = 0.2
TERMINATION_SECONDS = 3.0  # nothing of the state is kept, so nobody need end well


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemons:
    """The processes of one cluster, all in its network namespace."""

    places: Places

    def start(
        self, name: str, argv: Sequence[Argument], env: Mapping[str, str] | None = None
    ) -> None:
        """Start *argv* as *name*, its output in `logs/NAME`; *env* comes on top of ours."""
        log, pid = self._log(name), self._pid(name)
        for file in (log, pid):
            file.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        process = os.posix_spawnp(  # not Popen, which complains when it is forgotten
            "nsenter",
            inside(self.places.netns, argv),
            {**os.environ, **(env or {})},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        pid.write_text(f"{process} {_started(process)}\n")

    def wait(self, name: str, ready: Callable[[], bool], timeout_seconds: float = 300) -> None:
        """Return once *ready* says yes.

        Raises: HarnessError: *name* died or took too long; the text holds the end of its log.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.alive(name):
                raise HarnessError(f"{name} ended while it was starting:\n{self._tail(name)}")
            if time.monotonic() > deadline:
                raise HarnessError(
                    f"{name} was not ready after {timeout_seconds:.0f} s:\n{self._tail(name)}"
                )
            time.sleep(POLL_SECONDS)

    def alive(self, name: str) -> bool:
        return self._identify(name) is not None

    def names(self) -> list[str]:
        folder = self.places.state / "pids"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def stop(self, names: Iterable[str]) -> None:
        """End the processes of *names*: politely, and after three seconds at once."""
        pids = [pid for pid in map(self._identify, names) if pid]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids:
                send(pid, number)
            deadline = time.monotonic() + TERMINATION_SECONDS
            while (pids := [p for p in pids if _started(p)]) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)

    def kill(self, names: Iterable[str]) -> None:
        """End the processes of *names* as a loss of power does."""
        for pid in filter(None, map(self._identify, names)):
            send(pid, signal.SIGKILL)

    def forget(self, names: Iterable[str]) -> None:
        """Take *names*, which ended, for no part of the cluster."""
        for name in names:
            self._pid(name).unlink(missing_ok=True)

    def _identify(self, name: str) -> int | None:
        """Return the id of *name*, unless it ended and the number is someone else's by now."""
        try:
            pid, started = self._pid(name).read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _started(int(pid)) == started else None

    def _log(self, name: str) -> Path:
        return self.places.state / "logs" / name

    def _pid(self, name: str) -> Path:
        return self.places.state / "pids" / name

    def _tail(self, name: str) -> str:
        log = self._log(name)
        lines = log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([*lines, f"(the whole log: {log})"])


def send(pid: int, number: signal.Signals) -> None:
    """Signal *pid*; that it is gone already is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _started(pid: int) -> str:
    """Return the kernel's start time of *pid*, empty when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]
