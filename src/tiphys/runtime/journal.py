"""The journal: what happened to a run, one JSON line an event, written before it is acted on.

An event is one `write`. A line that a crash cut short was never acted on, so it is dropped; a line
that a full disk cut short is taken back at once. `ballast` is room kept aside: given up on a full
disk, it lets the driver write down that it interrupts the run.
"""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tiphys.engine.events import Event
from tiphys.runtime.codec import decode_event, encode_event
from tiphys.runtime.faults import JournalError

BALLAST_BYTES = 1 << 20
"""Enough to write down the interruption of some thousand attempts."""


def disk_is_full(problem: OSError) -> bool:
    """Return whether *problem* means that no space is left."""
    return problem.errno in {errno.ENOSPC, errno.EDQUOT}


class Journal:
    """The open journal of one run; whoever holds it holds the run's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ballast = path.with_name("ballast")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        _drop_torn_line(self._file)
        if not self._ballast.exists():
            self._ballast.write_bytes(bytes(BALLAST_BYTES))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        """Close the file; the run's folder keeps no ballast while nobody drives it."""
        self.drop_ballast()
        os.close(self._file)

    def append(self, event: Event) -> None:
        """Write *event* so that it survives the end of this process.

        Raises: OSError: not written, and nothing of it is in the file.
        """
        line = json.dumps(encode_event(event), ensure_ascii=False, separators=(",", ":")) + "\n"
        before = os.fstat(self._file).st_size
        data = line.encode()
        try:
            if os.write(self._file, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))  # noqa: TRY301
        except OSError:
            os.ftruncate(self._file, before)
            raise

    def sync(self) -> None:
        """Wait until everything written survives the end of the machine."""
        os.fsync(self._file)

    def drop_ballast(self) -> None:
        """Make room for the last events on a full disk."""
        self._ballast.unlink(missing_ok=True)


def _drop_torn_line(file: int) -> None:
    size = os.fstat(file).st_size
    tail = os.pread(file, size, 0) if size and os.pread(file, 1, size - 1) != b"\n" else None
    if tail is not None:
        os.ftruncate(file, tail.rfind(b"\n") + 1)


def read(path: Path) -> Iterator[Event]:
    """Yield the events of a journal, whether or not it is being written.

    Raises: JournalError: a whole line is no event.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith("\n"):
                return
            try:
                yield decode_event(json.loads(line))
            except (ValueError, KeyError, TypeError) as problem:
                raise JournalError(path, number, f"this is no event ({problem}).") from None
