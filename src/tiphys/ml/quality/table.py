"""A folder of parquet files as one table that knows from which file a row came."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tiphys.errors import UserError


class SchemaDiffersError(UserError):
    """A file has other columns than the first one."""

    def __init__(self, path: Path, first: Path, differences: Sequence[str]) -> None:
        found = f"the columns differ from those of {first.name}: {'; '.join(differences)}."
        super().__init__(str(path), found, "Each file must have the same columns.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of the table."""

    name: str
    first_row: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows, and where they came from."""

    frame: pd.DataFrame
    sources: Sequence[Source]

    def place(self, row: int) -> str:
        """Return where a row stands: its file, and its number there, from 0."""
        source = self.sources[bisect_right([one.first_row for one in self.sources], row) - 1]
        return f"{source.name} row {row - source.first_row}"


def read(directory: Path) -> Table:
    """Return the rows of all parquet files in *directory*, in the order of their names.

    Raises: UserError: there is none, one cannot be read, or their columns differ.
    """
    paths = sorted(directory.glob("*.parquet"))
    if not paths:
        raise UserError(str(directory), "there are no parquet files.")
    tables: list[pa.Table] = []
    sources: list[Source] = []
    count = 0
    for path in paths:
        table = _read(path)
        if not table.schema.equals((tables or [table])[0].schema):
            raise SchemaDiffersError(path, paths[0], _differences(table.schema, tables[0].schema))
        tables.append(table)
        sources.append(Source(name=path.name, first_row=count, rows=table.num_rows))
        count += table.num_rows
    return Table(frame=pa.concat_tables(tables).to_pandas(), sources=sources)


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise UserError(str(path), f"this is no parquet file: {error}.") from error


def _differences(found: pa.Schema, expected: pa.Schema) -> list[str]:
    known, wanted = (dict(zip(one.names, one.types, strict=True)) for one in (found, expected))
    return [
        *(f'column "{name}" is missing' for name in wanted if name not in known),
        *(f'column "{name}" is new' for name in known if name not in wanted),
        *(
            f'column "{name}" is {known[name]}, not {wanted[name]}'
            for name in wanted
            if name in known and known[name] != wanted[name]
        ),
    ] or ["the order of the columns"]
