"""Waiting for what others do."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(
    what: str | Callable[[], str],
    ask: Callable[[], Answer | None],
    seconds: float = 180,
    every_seconds: float = 0.5,
) -> Answer:
    """Return the first answer of *ask* that is one; it is a failure when none comes in time.

    Args:
        what: what is waited for; a function is asked when it did not come
        ask: returns something true once it is there
        seconds: how long to wait
        every_seconds: the pause between one question and the next
    """
    limit = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < limit, f"waited in vain for {what() if callable(what) else what}"
        time.sleep(every_seconds)
    return found
