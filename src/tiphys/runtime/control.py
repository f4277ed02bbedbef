"""The door of a running driver: a FIFO in the run's folder, a line of JSON a message."""

import json
import os
import selectors
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from tiphys.engine.events import Event, Released, Stopped, Suspended, Terminated


def events(message: Mapping[str, Any], at: datetime, *, suspended: bool) -> Sequence[Event]:
    """Return what *message* means for the run: a word, mapped to a text.

    A run that is ended while it is *suspended* goes on to its end: Argo would hold it for ever.
    """
    let_go = [Released(at=at)] if suspended else []
    match message:
        case {"stop": text}:
            return [Stopped(at=at, message=str(text)), *let_go]
        case {"terminate": _}:
            return [Terminated(at=at), *let_go]
        case {"suspend": _}:
            return [Suspended(at=at)]
        case {"release": _}:
            return [Released(at=at)]
        case _:
            return []


@contextmanager
def control(
    door: Path, selector: selectors.BaseSelector, told: Callable[[Mapping[str, Any]], None]
) -> Iterator[None]:
    """Listen at *door* within the block; each message is given to *told*."""
    with suppress(FileExistsError):
        os.mkfifo(door, 0o600)
    file = os.open(door, os.O_RDWR | os.O_NONBLOCK)

    def read() -> None:
        with suppress(BlockingIOError):
            for line in os.read(file, 65536).splitlines():
                told(json.loads(line))

    selector.register(file, selectors.EVENT_READ, read)
    try:
        yield
    finally:
        selector.unregister(file)
        os.close(file)
        with suppress(OSError):
            door.unlink()
