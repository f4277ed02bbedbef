"""The copies of a training's checkpoints in storage, each made when its checkpoint is saved.

Storage that is away for a while stops no training: the checkpoint on this machine stands, and the
next copy will hold all that the missed one did. But whoever computes for hours without a copy
would lose them with the machine; and after the last copy none comes.
"""

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from obstore.store import ObjectStore

from tiphys.ml.storage import reach
from tiphys.ml.training import folders
from tiphys.step import Temporary

PATIENCE = timedelta(minutes=10)
"""For so long one copy after another may fail: a time and no number, because checkpoints are saved
each second or each hour. Where they are rarer than this, the second failure in a row ends it."""


class Copies:
    """The copies at one place, and since when they fail."""

    def __init__(
        self, place: str, store: ObjectStore, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._place, self._store, self._now = place, store, now
        self._failing_since: float | None = None

    def make(self, checkpoint: Path, *, last: bool) -> None:
        """Copy *checkpoint*; where the place does not answer, say so and leave it to the next copy.

        Raises:
            Temporary: this was the *last* one, or none has been made for `PATIENCE`.
            StorageError: the place refuses us.
        """
        try:
            with reach(self._place):
                folders.upload(checkpoint, self._store)
        except Temporary as error:
            self._forgive(checkpoint, error, last=last)
        else:
            self._failing_since = None

    def _forgive(self, checkpoint: Path, error: Temporary, *, last: bool) -> None:
        now = self._now()
        since = now if self._failing_since is None else self._failing_since
        if last:
            problem = f"The last checkpoint was not copied: {error}"
            raise Temporary(problem) from error
        if now - since > PATIENCE.total_seconds():
            problem = f"No checkpoint was copied for {PATIENCE}: {error}"
            raise Temporary(problem) from error
        self._failing_since = since
        sys.stdout.write(
            f"The copy of {checkpoint.name} failed: {str(error).rstrip('.')}. "
            "The training goes on, and the next checkpoint is copied.\n"
        )
        sys.stdout.flush()
