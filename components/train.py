"""Train the network on the window of months with a gang of torchrun workers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tiphys.ml.data import Pin
from tiphys.ml.features import Features
from tiphys.ml.training import dispatch
from tiphys.ml.training.request import Request, Settings
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
    dataset: Pin,
    remote: str,
    months: list[str],
    checkpoints: str,
    epochs: int = 4,
    workers: int = 2,
    seed: int = 7,
    checkpoint: Annotated[Path, Output()],
) -> Training:
    """Train on *months* of *dataset* and write the network to *checkpoint*.

    Each node brings the data itself; the metric `downloaded_bytes` counts what they copied from
    the remote, all together.

    Args:
        dataset: what `resolve` found
        remote: the URL of the DVC remote; a laptop's profile has the project's own cache instead
        months: the window
        checkpoints: a URL, the run's own; the same training resumes from what lies there
        epochs: how often each row is seen
        workers: how many processes share the work, over all nodes of the tier
        seed: of the first weights and of the order of the rows
        checkpoint: weights.pt and training.json, what `export` reads
    """
    request = Request(
        dataset=dataset,
        remote=remote,
        months=months,
        features=Features.read(Path("params.yaml")),
        settings=Settings(epochs=epochs, seed=seed),
        workers=workers,
        checkpoints=checkpoints,
    )
    answer = dispatch.train(request, checkpoint)
    return Training(
        rows=answer.rows,
        epochs=answer.epochs,
        loss=answer.loss,
        resumed_from=answer.resumed_from,
    )
