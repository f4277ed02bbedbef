"""What the workers of one node are to train: a JSON file from their parent."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tiphys.ml.features import Features
from tiphys.ml.tabular import Preprocessing
from tiphys.ml.training.request import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training, as each worker reads it."""

    data: Path
    months: Sequence[str]
    features: Features
    preprocessing: Preprocessing
    settings: Settings
    workers: int
    """Processes of this node."""
    nodes: int = 1
    checkpoints: Path
    """Where checkpoints are written and found, on this machine."""
    output: Path
    """Where rank 0 writes the finished weights and the answer."""
    upload: str = ""
    """The URL to which each checkpoint is copied; empty where `checkpoints` is the place."""
    downloaded_bytes: int = 0
    """What this node copied from the remote of the data."""

    def write(self, path: Path) -> None:
        """Write the job for `read`."""
        plain = ("months", "workers", "nodes", "upload", "downloaded_bytes")
        raw = {
            **{name: getattr(self, name) for name in plain},
            **{name: str(getattr(self, name)) for name in ("data", "checkpoints", "output")},
            "features": asdict(self.features),
            "preprocessing": self.preprocessing.to_json(),
            "settings": asdict(self.settings),
        }
        path.write_text(json.dumps(raw), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Job":
        """Return the job that `write` wrote."""
        raw: dict[str, Any] = json.loads(path.read_bytes())
        return cls(
            data=Path(raw["data"]),
            months=raw["months"],
            features=Features(**raw["features"]),
            preprocessing=Preprocessing.from_json(raw["preprocessing"]),
            settings=Settings(**raw["settings"]),
            workers=raw["workers"],
            nodes=raw["nodes"],
            checkpoints=Path(raw["checkpoints"]),
            output=Path(raw["output"]),
            upload=raw["upload"],
            downloaded_bytes=raw["downloaded_bytes"],
        )
