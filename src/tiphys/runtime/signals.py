"""Ctrl-C and SIGTERM as events of a selector instead of exceptions in the middle of things."""

import selectors
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM)


class Interruptions:
    """How often the user has asked to leave."""

    def __init__(self) -> None:
        self.count = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        """Count one; the wake-up descriptor rouses the selector."""
        del number, frame
        self.count += 1


@contextmanager
def interruptions(selector: selectors.BaseSelector) -> Iterator[Interruptions]:
    """Count interruptions within the block; outside of the main thread there are none."""
    found = Interruptions()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(0)
    selector.register(ours, selectors.EVENT_READ, lambda: ours.recv(64))
    before = {number: signal.signal(number, found.note) for number in ASKING}
    descriptor = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield found
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        selector.unregister(ours)
        ours.close()
        theirs.close()
