"""The door of a running driver: a FIFO in the run's folder, a line of JSON a message."""

import json
import os
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def control(
    door: Path, selector: selectors.BaseSelector, stop: Callable[[str], None]
) -> Iterator[None]:
    """Listen at *door* within the block; `{"stop": MESSAGE}` calls *stop*."""
    with suppress(FileExistsError):
        os.mkfifo(door, 0o600)
    file = os.open(door, os.O_RDWR | os.O_NONBLOCK)

    def read() -> None:
        with suppress(BlockingIOError):
            for line in os.read(file, 65536).splitlines():
                message = json.loads(line)
                if "stop" in message:
                    stop(str(message["stop"]))

    selector.register(file, selectors.EVENT_READ, read)
    try:
        yield
    finally:
        selector.unregister(file)
        os.close(file)
        with suppress(OSError):
            door.unlink()
