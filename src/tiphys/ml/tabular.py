"""Rows of a folder of parquet files as the numbers and codes that a network takes.

Shape suffixes: B rows, N numbers, C categories.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tiphys.errors import UnknownNameError, UserError
from tiphys.ml.features import Features
from tiphys.ml.package import Array, Tensor, column


class NotALabelError(UserError):
    """A column that should be predicted holds more than true and false."""

    def __init__(self, name: str) -> None:
        found = f'column "{name}" is no label: it holds more than true and false.'
        super().__init__("the data", found, "Say another one in features.label.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """How a number is scaled."""

    name: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """The values of a category; the code of a value is its place, from 1; 0 is any other."""

    name: str
    values: Sequence[str] | Sequence[int]

    @property
    def tensor(self) -> Tensor:
        """The model's input."""
        return Tensor(name=self.name, datatype="BYTES" if self._is_text else "INT64")

    @property
    def _is_text(self) -> bool:
        return not self.values or isinstance(self.values[0], str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """What was learned from the columns of the training rows, without their label."""

    numbers: Sequence[Number]
    categories: Sequence[Category]

    @property
    def inputs(self) -> list[Tensor]:
        """The inputs of a model, numbers first."""
        numbers = [Tensor(name=one.name, datatype="FP32") for one in self.numbers]
        return [*numbers, *(one.tensor for one in self.categories)]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the section `preprocessing` of `model.json`."""
        return [
            *(
                {"name": one.name, "kind": "number", "mean": one.mean, "deviation": one.deviation}
                for one in self.numbers
            ),
            *(
                {"name": one.name, "kind": "category", "values": list(one.values)}
                for one in self.categories
            ),
        ]

    @classmethod
    def from_json(cls, raw: Iterable[Mapping[str, Any]]) -> "Preprocessing":
        """Return what `to_json` gave."""
        numbers, categories = [], []
        for one in raw:
            fields = {key: value for key, value in one.items() if key != "kind"}
            if one["kind"] == "number":
                numbers.append(Number(**fields))
            else:
                categories.append(Category(**fields))
        return cls(numbers=numbers, categories=categories)


def read(directory: Path, months: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """Return *columns* of the files `MONTH.parquet` in *directory*, in the order of *months*.

    Raises: UserError: a file or a column is not there.
    """
    tables = []
    for month in months:
        path = directory / f"{month}.parquet"
        known = [one.stem for one in directory.glob("*.parquet")]
        if month not in known:
            raise UnknownNameError(str(directory), "month", month, known)
        names = pq.read_schema(path).names
        for name in columns:
            if name not in names:
                raise UnknownNameError(str(path), "column", name, names)
        tables.append(pq.read_table(path, columns=list(columns)))
    if not tables:
        raise UserError(str(directory), "no month is asked for.")
    return pa.concat_tables(tables)


def fit(table: pa.Table, features: Features) -> Preprocessing:
    """Return the scale of each number and the values of each category in *table*."""
    return Preprocessing(
        numbers=[_fit_number(table, name) for name in features.numbers],
        categories=[
            Category(name=name, values=sorted(pc.unique(table[name]).drop_null().to_pylist()))
            for name in features.categories
        ],
    )


def encode(table: pa.Table, preprocessing: Preprocessing) -> tuple[Array, Array]:
    """Return the numbers of *table* as they are, float32, missing is NaN, and its codes, int64."""
    inputs = preprocessing.inputs
    count = len(preprocessing.numbers)
    numbers_BN = np.stack([column(table, one) for one in inputs[:count]], axis=1)
    codes_BC = np.stack([_codes(table, one) for one in preprocessing.categories], axis=1)
    return numbers_BN, codes_BC


def labels(table: pa.Table, name: str) -> Array:
    """Return the label of each row as 0.0 or 1.0.

    Raises: NotALabelError: a label is missing or something else.
    """
    values = pc.cast(table[name], pa.float32())
    if values.null_count or not set(pc.unique(values).to_pylist()) <= {0.0, 1.0}:
        raise NotALabelError(name)
    array: Array = values.to_numpy()
    return array


def _fit_number(table: pa.Table, name: str) -> Number:
    values = pc.cast(table[name], pa.float64())
    mean = pc.mean(values).as_py()
    deviation = pc.stddev(values).as_py()
    return Number(name=name, mean=mean or 0.0, deviation=deviation or 1.0)


def _codes(table: pa.Table, category: Category) -> Array:
    kind = pa.string() if category.tensor.datatype == "BYTES" else pa.int64()
    values = pa.array(category.values, kind)
    found = pc.index_in(pc.cast(table[category.name], kind), values)
    array: Array = pc.add(pc.cast(pc.fill_null(found, -1), pa.int64()), 1).to_numpy()
    return array
