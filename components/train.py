"""Train the network on the window of months with a gang of torchrun workers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tiphys.ml.tabular import Features
from tiphys.ml.training import fitting
from tiphys.ml.training.job import Settings
from tiphys.step import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How the training went."""

    rows: int
    """Rows that were trained on; a tenth of the window is for validation only."""
    epochs: int
    loss: float
    """The mean log loss over the last epoch."""
    resumed_from: int
    """The step of the checkpoint that the training went on from; 0 when it was not interrupted."""


def train(
    *,
    data: Path,
    months: list[str],
    checkpoints: str,
    epochs: int = 4,
    workers: int = 2,
    seed: int = 7,
    checkpoint: Annotated[Path, Output()],
) -> Training:
    """Train on *months* of *data* and write the network to *checkpoint*.

    Args:
        data: the folder of parquet files, one a month
        months: the window
        checkpoints: a URL, the run's own; the same training resumes from what lies there
        epochs: how often each row is seen
        workers: how many processes share the work
        seed: of the first weights and of the order of the rows
        checkpoint: weights.pt and training.json, what `export` reads
    """
    material = fitting.Material(
        data=data, months=months, features=Features.read(Path("params.yaml"))
    )
    settings = Settings(epochs=epochs, seed=seed)
    answer = fitting.fit(
        material, settings, workers=workers, checkpoints=checkpoints, checkpoint=checkpoint
    )
    return Training(
        rows=answer.rows,
        epochs=answer.epochs,
        loss=answer.loss,
        resumed_from=answer.resumed_from,
    )
