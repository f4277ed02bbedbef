"""The model artifact: a directory that holds all a server or a gate needs to answer for a model.

`model.onnx` takes the plain columns of the data, one tensor a column, and gives one probability a
row; imputing, scaling and encoding are inside. `model.json` describes it:

```
{"format": "tiphys.model/1",
 "label": "late",                                  the column that the model predicts
 "inputs":  [{"name": "carrier", "datatype": "BYTES", "shape": [-1]},
             {"name": "temp", "datatype": "FP32", "shape": [-1]}, ...],
 "outputs": [{"name": "probability", "datatype": "FP32", "shape": [-1]}],
 "preprocessing": [{"name": "temp", "kind": "number", "mean": 36.2, "deviation": 9.8},
                   {"name": "carrier", "kind": "category", "values": ["9E", "AA", ...]}],
 "training": {"months": [...], "rows": 80000, ...},   what it was made from: people and lineage
 "golden": {"request":  {"inputs":  [{"name", "datatype", "shape": [3], "data": [...]}, ...]},
            "response": {"outputs": [{"name", "datatype", "shape": [3], "data": [...]}]},
            "tolerance": 1e-05}}
```

Names, datatypes, request and response are those of the Open Inference Protocol v2. Datatypes are
FP32 (a missing number is NaN, in JSON null), INT64 and BYTES (text). A category that the model has
not seen counts as one of its own; so does a missing one, which is "" or the smallest integer.

This module needs numpy and pyarrow, no torch and no ONNX Runtime.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tiphys.errors import UserError
from tiphys.ml.digest import of_directory

FORMAT = "tiphys.model/1"
GRAPH, DOCUMENT = "model.onnx", "model.json"
Datatype = Literal["FP32", "INT64", "BYTES"]
Array = np.ndarray[Any, np.dtype[Any]]
MISSING_INTEGER = np.iinfo(np.int64).min


class PackageError(UserError):
    """A directory is not a model artifact."""


class ColumnError(UserError):
    """A table does not suit a model."""

    def __init__(self, column: str, problem: str) -> None:
        super().__init__("the data", f'column "{column}" {problem}.')


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One input or output of the model: a value a row."""

    name: str
    datatype: Datatype

    def to_json(self) -> dict[str, Any]:
        """Return the tensor as the Open Inference Protocol describes it."""
        return {"name": self.name, "datatype": self.datatype, "shape": [-1]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A request and the answer that the model gave when it was exported."""

    request: Mapping[str, Any]
    response: Mapping[str, Any]
    tolerance: float
    """How far a probability may lie from the recorded one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A model artifact that was read and found whole."""

    directory: Path
    label: str
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    golden: Golden
    training: Mapping[str, Any]

    @property
    def graph(self) -> Path:
        """Where the ONNX file is."""
        return self.directory / GRAPH

    def feeds(self, table: pa.Table) -> dict[str, Array]:
        """Return the columns of *table* as the ONNX session takes them, by input name.

        Raises: ColumnError: a column is missing or of another type.
        """
        return {one.name: column(table, one) for one in self.inputs}


def load(directory: Path) -> Package:
    """Return the model artifact in *directory*.

    Raises: PackageError: a file is missing, or `model.json` is not what this module documents.
    """
    for name in (GRAPH, DOCUMENT):
        if not (directory / name).is_file():
            raise PackageError(str(directory), f"there is no {name}, so this is no model.")
    where = str(directory / DOCUMENT)
    try:
        document = json.loads((directory / DOCUMENT).read_bytes())
        if document["format"] != FORMAT:
            raise PackageError(where, f"the format is {document['format']!r}, not {FORMAT!r}.")
        return Package(
            directory=directory,
            label=document["label"],
            inputs=_tensors(document["inputs"]),
            outputs=_tensors(document["outputs"]),
            golden=Golden(**document["golden"]),
            training=document["training"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(where, f"this describes no model: {error!r}.") from error


def save(directory: Path, graph: bytes, document: Mapping[str, Any]) -> None:
    """Write a model artifact into *directory*, which need not exist."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / GRAPH).write_bytes(graph)
    text = json.dumps({"format": FORMAT, **document}, indent=1, ensure_ascii=False, allow_nan=False)
    (directory / DOCUMENT).write_text(text + "\n", encoding="utf-8")


def digest(directory: Path) -> str:
    """Return the hash that names the model in registry and decision."""
    return of_directory(directory)


def column(table: pa.Table, tensor: Tensor) -> Array:
    """Return the column that *tensor* names as an array of its datatype, missing values filled.

    Raises: ColumnError: *table* has no such column, or its values are of another type.
    """
    if tensor.name not in table.column_names:
        raise ColumnError(tensor.name, "is missing, but the model reads it")
    kind, filling = {
        "FP32": (pa.float32(), float("nan")),
        "INT64": (pa.int64(), MISSING_INTEGER),
        "BYTES": (pa.string(), ""),
    }[tensor.datatype]
    try:
        values = pc.cast(table.column(tensor.name), kind, safe=tensor.datatype != "FP32")
    except pa.ArrowInvalid as error:
        raise ColumnError(tensor.name, f"is not {tensor.datatype}: {error}") from error
    array: Array = pc.fill_null(values, filling).to_numpy()
    return array


def tensor_json(tensor: Tensor, values: Array) -> dict[str, Any]:
    """Return *values* as one tensor of an inference request or response."""
    shown = [None if _is_nan(one) else one for one in values.tolist()]
    return {**tensor.to_json(), "shape": [len(shown)], "data": shown}


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _tensors(raw: Sequence[Mapping[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(name=one["name"], datatype=one["datatype"]) for one in raw)
