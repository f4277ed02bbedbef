"""What running steps say of themselves: metrics in their logs, `N/M` in their progress files."""

import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tiphys.engine.events import Progressed
from tiphys.step import report

METRIC = re.compile(b"^" + re.escape(report.MARK.encode()) + rb"\{.*\}\s*$", re.MULTILINE)
CHUNK_BYTES = 1 << 20
PROGRESS = re.compile(r"\d+/\d+")


@dataclass(slots=True)
class Tail:
    """The end of one attempt's log, read on from where it was."""

    folder: Path
    offset: int = 0
    progress: str = ""
    metrics: dict[str, float] = field(default_factory=dict)

    def news(self, node: str, at: datetime) -> Progressed | None:
        """Return what has changed since the call before, or None."""
        metrics = {
            name: value
            for name, value in self._metrics().items()
            if self.metrics.get(name) != value
        }
        progress = self._progress()
        if not metrics and progress == self.progress:
            return None
        self.metrics.update(metrics)
        changed = progress if progress != self.progress else ""
        self.progress = progress
        return Progressed(at=at, node=node, progress=changed, metrics=metrics)

    def _metrics(self) -> dict[str, float]:
        found: dict[str, float] = {}
        with suppress(OSError), (self.folder / "log").open("rb") as log:
            log.seek(self.offset)
            while chunk := log.read(CHUNK_BYTES):
                whole = chunk.rfind(b"\n") + 1 or (len(chunk) if len(chunk) == CHUNK_BYTES else 0)
                if not whole:
                    break  # a line that is still being written
                for line in METRIC.finditer(chunk[:whole]):
                    said = report.read_metric(line[0].decode(errors="replace"))
                    if said is not None and math.isfinite(said.value):
                        found[said.name] = said.value
                self.offset += whole
                log.seek(self.offset)
        return found

    def _progress(self) -> str:
        with suppress(OSError, UnicodeDecodeError):
            text = (self.folder / "progress").read_text().strip()
            if PROGRESS.fullmatch(text):
                return text
        return self.progress
