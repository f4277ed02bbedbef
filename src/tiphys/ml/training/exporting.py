"""From the artifact `checkpoint` to the artifact `model`, whose answers are compared row by row."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import torch

from tiphys.ml import package, tabular
from tiphys.ml.package import Array
from tiphys.ml.tabular import Preprocessing
from tiphys.ml.training import fitting, graph, outcome
from tiphys.ml.training.fitting import Trained
from tiphys.ml.training.network import Network

TOLERANCE = 1e-5
"""How far a probability of the ONNX graph may lie from PyTorch's: single precision, other order
of sums."""
GOLDEN_ROWS = 3


class GraphDiffersError(Exception):
    """The exported graph does not answer what the network answers."""

    def __init__(self, row: int, difference: float) -> None:
        super().__init__(
            f"Row {row}: the exported graph's probability differs from the network's by "
            f"{difference:.3g}, more than {TOLERANCE:g}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written and how it was checked."""

    model_hash: str
    rows_checked: int
    largest_difference: float
    """Between two probabilities of one row."""


def export(checkpoint: Path, data: Path, model: Path) -> Exported:
    """Write the model artifact *model*, checked against PyTorch on the rows it was trained on.

    Raises:
        UserError: *checkpoint* or *data* is not what it should be.
        GraphDiffersError: a row's probability differs.
    """
    trained = fitting.load(checkpoint)
    network = Network(trained.preprocessing, trained.settings.hidden)
    network.load_state_dict(torch.load(checkpoint / outcome.WEIGHTS, weights_only=True))
    onnx_file = graph.build(network, trained.preprocessing)
    table = tabular.read(data, trained.months, trained.features.columns)
    answers = _ask_graph(onnx_file, table, trained.preprocessing)
    differences = np.abs(answers - _ask_network(network, table, trained.preprocessing))
    worst = int(differences.argmax())
    if not differences[worst] <= TOLERANCE:
        raise GraphDiffersError(worst, float(differences[worst]))
    package.save(model, onnx_file, _document(trained, table, answers))
    return Exported(
        model_hash=package.digest(model),
        rows_checked=len(answers),
        largest_difference=float(differences[worst]),
    )


def _ask_graph(onnx_file: bytes, table: pa.Table, preprocessing: Preprocessing) -> Array:
    session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    feeds = {one.name: package.column(table, one) for one in preprocessing.inputs}
    answers: Array = session.run([graph.OUTPUT.name], feeds)[0]
    return answers


def _ask_network(network: Network, table: pa.Table, preprocessing: Preprocessing) -> Array:
    numbers, codes = tabular.encode(table, preprocessing)
    with torch.no_grad():
        logits = network(torch.tensor(numbers), torch.tensor(codes))
    answers: Array = torch.sigmoid(logits).numpy()
    return answers


def _document(trained: Trained, table: pa.Table, answers: Array) -> dict[str, Any]:
    return {
        "label": trained.features.label,
        "inputs": [one.to_json() for one in trained.preprocessing.inputs],
        "outputs": [graph.OUTPUT.to_json()],
        "preprocessing": trained.preprocessing.to_json(),
        "training": {
            "months": list(trained.months),
            **asdict(trained.settings),
            "rows": trained.answer.rows,
            "loss": trained.answer.loss,
        },
        "golden": _golden(trained.preprocessing, table, answers),
    }


def _golden(preprocessing: Preprocessing, table: pa.Table, answers: Array) -> dict[str, Any]:
    """Return a request of the first rows that miss nothing, and the answer to it."""
    columns = {one.name: package.column(table, one) for one in preprocessing.inputs}
    numbers = np.stack([columns[one.name] for one in preprocessing.numbers], axis=1)
    whole = np.flatnonzero(~np.isnan(numbers).any(axis=1))[:GOLDEN_ROWS]
    rows = whole if len(whole) else np.arange(min(GOLDEN_ROWS, len(answers)))
    asked = [package.tensor_json(one, columns[one.name][rows]) for one in preprocessing.inputs]
    return {
        "request": {"inputs": asked},
        "response": {"outputs": [package.tensor_json(graph.OUTPUT, answers[rows])]},
        "tolerance": TOLERANCE,
    }
