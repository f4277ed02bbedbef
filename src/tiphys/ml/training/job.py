"""What a gang is asked to train, and what it answers: two JSON files between parent and workers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tiphys.ml.tabular import Features, Preprocessing


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; part of what names a training."""

    epochs: int
    seed: int
    batch_rows: int = 1024
    """Rows of one step, over all workers together."""
    learning_rate: float = 3e-3
    """At the first step; it falls in a straight line to zero."""
    hidden: Sequence[int] = (64, 32)
    save_every_steps: int = 50
    blocks: int = 40
    """The rows are cut into so many runs of neighbours; each tenth is for validation only,
    because neighbours are alike: a tenth of the rows drawn at random would flatter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training, as each worker reads it."""

    data: Path
    months: Sequence[str]
    features: Features
    preprocessing: Preprocessing
    settings: Settings
    workers: int
    checkpoints: Path
    """Where checkpoints are written and found, on this machine."""
    output: Path
    """Where rank 0 writes the finished weights and the answer."""
    upload: str = ""
    """The URL to which each checkpoint is copied; empty where `checkpoints` is the place."""

    @property
    def fingerprint(self) -> str:
        """Names what is trained, so that no checkpoint of another training is resumed."""
        told = [
            self.months,
            asdict(self.features),
            self.preprocessing.to_json(),
            asdict(self.settings),
            self.workers,
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]

    def write(self, path: Path) -> None:
        """Write the job for `read`."""
        raw = {
            **{name: getattr(self, name) for name in ("months", "workers", "upload")},
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
            checkpoints=Path(raw["checkpoints"]),
            upload=raw["upload"],
            output=Path(raw["output"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a finished training says of itself."""

    rows: int
    """Rows that were trained on, without those for validation."""
    epochs: int
    loss: float
    """The mean over the last epoch."""
    resumed_from: int
    """The step of the checkpoint that the last attempt resumed from; 0: none."""

    def write(self, directory: Path) -> None:
        """Write the answer beside the weights."""
        (directory / "answer.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> "Answer":
        """Return what the workers answered."""
        raw: Mapping[str, Any] = json.loads((directory / "answer.json").read_bytes())
        return cls(**raw)
