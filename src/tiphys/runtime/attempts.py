"""The driver's side of the nursery: starts attempts, adopts running ones, hears of their end.

Everything is told through descriptors of one selector, so nothing is polled. An attempt is known by
its folder.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tiphys.errors import UserError
from tiphys.runtime import nursery


@dataclass(frozen=True, slots=True)
class Running:
    """The attempt's supervisor runs."""

    folder: Path


@dataclass(frozen=True, slots=True)
class Gone:
    """The attempt's supervisor is gone: there is an `exitcode`, or the attempt was lost."""

    folder: Path


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The supervisor could not be made."""

    folder: Path
    reason: str


Notice = Running | Gone | NotStarted


class NurseryError(UserError):
    """Nothing can be started on this machine; the run can be resumed where that is mended."""

    def __init__(self, command: str, code: int) -> None:
        found = f"ends at once with code {code}, so no step can start; what it said is above."
        super().__init__(f"`{command}`", found, "Mend that, and resume the run.")


BARREN = 5
"""So many nurseries in a row that end without an answer were not killed: none can live here."""


class Attempts:
    """The attempts of one run; close it when the run is left."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.selector = selector
        self._breaths: dict[Path, int] = {}
        self._asked: dict[Path, None] = {}
        self._notices: deque[Notice] = deque()
        self._pending = b""
        self._barren = 0
        self._open()

    def start(self, folder: Path) -> None:
        """Have the attempt in *folder* started, unless it has been: then it is adopted."""
        if (folder / "alive").exists():
            self._listen(folder)
            return
        self._asked[folder] = None
        self._ask(folder)

    def end(self, folder: Path) -> bool:
        """Ask a running attempt to end: it is killed after its grace, or when asked again.

        Returns whether it could be asked.
        """
        if folder not in self._breaths:
            return False
        try:
            os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
        except (OSError, ValueError):
            return False
        return True

    def heard(self) -> Notice | None:
        """Return what has been told, one at a time, or None."""
        return self._notices.popleft() if self._notices else None

    @property
    def alive(self) -> tuple[Path, ...]:
        """The attempts that run, and those that are about to."""
        return (*self._breaths, *self._asked)

    def close(self) -> None:
        """Let the nursery go; the attempts go on without it."""
        for folder in tuple(self._breaths):
            self._forget(folder)
        self.selector.unregister(self._link)
        self._link.close()
        self._nursery.wait()

    def _open(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._nursery = subprocess.Popen(
                _command(), stdin=theirs.fileno(), start_new_session=True
            )
        self._link = ours
        self.selector.register(ours, selectors.EVENT_READ, self._answered)

    def _ask(self, folder: Path) -> None:
        with suppress(OSError):  # its end is noticed by `_answered`
            self._link.sendall(json.dumps(str(folder)).encode() + b"\n")

    def _answered(self) -> None:
        try:
            chunk = self._link.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            self._reopen()
            return
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        self._barren = 0
        for line in lines:
            answer = json.loads(line)
            folder = Path(answer["folder"])
            self._asked.pop(folder, None)
            if "error" in answer:
                self._notices.append(NotStarted(folder, answer["error"]))
            else:
                self._listen(folder)

    def _reopen(self) -> None:
        """Replace a nursery that was killed. What it may have started is not started again.

        Raises: NurseryError: several in a row ended before they could answer.
        """
        code = self._nursery.wait()
        self._barren += 1
        if self._barren == BARREN:
            raise NurseryError(" ".join(_command()), code)
        self.selector.unregister(self._link)
        self._link.close()
        self._pending = b""
        self._open()
        for folder in self._asked:
            self._ask(folder)

    def _listen(self, folder: Path) -> None:
        if folder in self._breaths:
            return
        breath = os.open(folder / "alive", os.O_RDONLY | os.O_NONBLOCK)
        self._breaths[folder] = breath
        self._notices.append(Running(folder))
        self.selector.register(breath, selectors.EVENT_READ, self._on_breath(folder))
        self._breathe(folder)  # its end may have come before we listened

    def _on_breath(self, folder: Path) -> Callable[[], None]:
        return lambda: self._breathe(folder)

    def _breathe(self, folder: Path) -> None:
        try:
            os.read(self._breaths[folder], 1)
        except BlockingIOError:
            return
        self._forget(folder)
        if not (folder / "exitcode").exists():
            nursery.bury(folder)
        self._notices.append(Gone(folder))

    def _forget(self, folder: Path) -> None:
        breath = self._breaths.pop(folder)
        self.selector.unregister(breath)
        os.close(breath)


def _command() -> list[str]:
    return [sys.executable, "-P", nursery.__file__]
