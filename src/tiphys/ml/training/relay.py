"""The log of a gang's first pod as this step's own: lines, metrics and progress."""

from collections.abc import Callable, Iterator
from threading import Event, Thread

from tiphys.step import report

RETRY_SECONDS = 1.0

Source = Callable[[str], Iterator[str]]
"""All lines of a pod's log, each with its time before it, until it ends or breaks off."""


class Relay:
    """Copies one pod's log after another, each in a thread, each line once."""

    def __init__(self, source: Source, say: Callable[[str], None] = report.relay) -> None:
        self._source, self._say = source, say
        self._pod, self._thread, self._ended = "", Thread(), Event()

    def follow(self, pod: str) -> None:
        """Copy the log of *pod* from now on; that of the one before is copied to its end first."""
        if pod == self._pod:
            return
        self.finish()
        self._pod, self._ended = pod, Event()
        self._thread = Thread(target=self._copy, args=(pod, self._ended), daemon=True)
        self._thread.start()

    def finish(self, patience_seconds: float = 20.0) -> None:
        """Wait for the last lines; the pod has ended."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(patience_seconds)
        self._pod = ""

    def _copy(self, pod: str, ended: Event) -> None:
        """Read again what broke off, but say only what is new, until the pod ended before that."""
        last = ""
        while True:
            whole, since = ended.is_set(), last
            for line in self._source(pod):
                stamp, _, text = line.partition(" ")
                if stamp > since:
                    last = stamp
                    self._say(text)
            if whole:
                return
            ended.wait(RETRY_SECONDS)
