import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.validate import validate
from tiphys.step import WrongInput

ROOT = Path(__file__).parents[2]
SUITE = str(ROOT / "quality/flights.json")


@pytest.fixture
def month(tmp_path):
    """A folder with one month of the real data."""
    if not (ROOT / "data/flights/2013-01.parquet").exists():
        pytest.skip("the data are not here: make data")
    shutil.copyfile(ROOT / "data/flights/2013-01.parquet", tmp_path / "2013-01.parquet")
    return tmp_path


def change(folder, column, rows):
    path = folder / "2013-01.parquet"
    table = pq.read_table(path)
    values = table[column].to_pylist()
    for row, value in rows.items():
        values[row] = value
    index = table.column_names.index(column)
    pq.write_table(table.set_column(index, column, pa.array(values)), path)


def test_good_data_pass_and_what_is_odd_is_reported(month):
    found = validate(data=month, suite=SUITE, report=month / "report.html")
    assert (found.severity, found.expectations) == ("warning", 26)
    assert "Data: flights" in (month / "report.html").read_text()


def test_a_broken_column_stops_the_run_and_is_named_with_its_rows(month):
    change(month, "origin", {3: "XXX", 100: "YYY"})
    with pytest.raises(WrongInput) as stopped:
        validate(data=month, suite=SUITE, report=month / "report.html")
    assert 'column "origin"' in str(stopped.value)
    assert "2 of 26,398 are not: 'XXX' in 2013-01.parquet row 3, 'YYY'" in str(stopped.value)
    assert "2013-01.parquet row 100" in (month / "report.html").read_text()


def test_a_leaking_column_stops_the_run(month):
    path = month / "2013-01.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("dep_delay", table["hour"]), path)
    with pytest.raises(WrongInput, match="unexpected: dep_delay"):
        validate(data=month, suite=SUITE, report=month / "report.html")
