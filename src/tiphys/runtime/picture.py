"""What the world sees of a run: status.json and the observer, at most a few times a second."""

import time
from contextlib import suppress

from tiphys import engine
from tiphys.engine.state import State
from tiphys.runtime.request import Host, Workflow

SECONDS = 0.1
"""The least time between two pictures."""

SHARE = 10
"""A picture that takes long is drawn less often: at most this part of the time goes into it."""


class Picture:
    """The newest picture of a run, drawn again when it has changed and some time has passed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._due: float | None = 0.0
        self._after = 0.0

    @property
    def wait_seconds(self) -> float | None:
        """How long until a picture is due; None while nothing has changed."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def stale(self) -> None:
        """Note that the run has changed."""
        if self._due is None:
            self._due = self._after

    def draw_if_due(self, state: State) -> None:
        if self.wait_seconds == 0:
            self.draw(state)

    def draw(self, state: State) -> Workflow:
        """Show the run as it is now, and return it."""
        started = time.monotonic()
        workflow = engine.status(state)
        with suppress(OSError):  # the journal is what counts; a full disk is found there
            self._host.folder.write_status(workflow)
        self._host.observer.changed(workflow)
        now = time.monotonic()
        self._after = now + max(SECONDS, SHARE * (now - started))
        self._due = None
        return workflow
