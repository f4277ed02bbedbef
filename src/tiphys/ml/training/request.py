"""What is to be trained: all of it, and small enough to travel to a pod as one argument."""

import hashlib
import json
from dataclasses import asdict, dataclass

from tiphys.ml.data import Pin
from tiphys.ml.features import Features
from tiphys.step import WrongInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; part of what names a training."""

    epochs: int
    seed: int
    batch_rows: int = 1024
    """Rows of one step, over all workers together."""
    learning_rate: float = 3e-3
    """At the first step; it falls in a straight line to zero."""
    hidden: tuple[int, ...] = (64, 32)
    save_every_steps: int = 50
    blocks: int = 40
    """The rows are cut into so many runs of neighbours; each tenth is for validation only,
    because neighbours are alike: a tenth of the rows drawn at random would flatter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One training, the same wherever it is carried out."""

    dataset: Pin
    remote: str
    """The URL of the DVC remote that holds the data."""
    months: list[str]
    features: Features
    settings: Settings
    workers: int
    """Processes that share each step, over all nodes together."""
    checkpoints: str
    """A URL, the run's own; a training with the same inputs resumes from what lies there."""
    nodes: int = 1

    @property
    def fingerprint(self) -> str:
        """Names what is trained, so that no checkpoint of another training is resumed.

        Where the data come from and how many nodes share the workers changes no weight.
        """
        told = [
            self.dataset.md5,
            self.months,
            asdict(self.features),
            asdict(self.settings),
            self.workers,
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]

    @property
    def place(self) -> str:
        """The URL of this training's checkpoints."""
        return f"{self.checkpoints.rstrip('/')}/{self.fingerprint}"

    @property
    def workers_of_a_node(self) -> int:
        """How many processes one node starts; `check_shares` says whether that is whole."""
        return self.workers // self.nodes

    def check_shares(self) -> None:
        """Raise `WrongInput` where the nodes cannot share the workers evenly."""
        if self.workers < 1 or self.workers % self.nodes:
            problem = (
                f"{self.workers} workers cannot be shared by {self.nodes} nodes. "
                f"Give a multiple of {self.nodes}."
            )
            raise WrongInput(problem)
