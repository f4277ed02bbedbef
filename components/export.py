"""Turn the trained network into the model artifact, and prove that it answers the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tiphys.step import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The model, and how it was checked."""

    model_hash: str
    """SHA-256 over the files of the artifact: the name of the model in registry and decision."""
    rows_checked: int
    largest_difference: float
    """Between the probabilities of ONNX Runtime and PyTorch for one row."""


def export(*, checkpoint: Path, data: Path, model: Annotated[Path, Output()]) -> Export:
    """Write *checkpoint* as a model artifact (`tiphys.ml.package`), checked on rows of *data*.

    Args:
        checkpoint: the trained network, as `train` leaves it
        data: the folder of parquet files whose rows it is checked on
        model: the artifact that is judged and served
    """
    from tiphys.ml.training import exporting  # noqa: PLC0415 - torch: rendering goes without

    done = exporting.export(checkpoint, data, model)
    return Export(
        model_hash=done.model_hash,
        rows_checked=done.rows_checked,
        largest_difference=done.largest_difference,
    )
