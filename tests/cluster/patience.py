"""Waiting for what others do."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(what: str, ask: Callable[[], Answer | None], seconds: float = 180) -> Answer:
    """Return the first answer of *ask* that is one; it is a failure when none comes in time."""
    limit = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < limit, f"waited in vain for {what}"
        time.sleep(0.5)
    return found
