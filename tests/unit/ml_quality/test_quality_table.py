import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tiphys.errors import UserError
from tiphys.ml.quality import report, table
from tiphys.ml.quality.outcome import Check, Example, Outcome, read_suite


@pytest.fixture
def folder(tmp_path):
    pq.write_table(pa.table({"hour": [1, 2, 3]}), tmp_path / "2013-01.parquet")
    pq.write_table(pa.table({"hour": [4, 99]}), tmp_path / "2013-02.parquet")
    return tmp_path


CHECK = Check(
    type="expect_column_values_to_be_between",
    column="hour",
    severity="critical",
    why="A day has 24.",
    asked={"min_value": 0, "max_value": 23},
    passed=False,
    unexpected=1,
    checked=5,
    examples=[Example(row=4, value=99)],
    observed="",
)


def test_a_row_knows_its_file(folder):
    rows = table.read(folder)
    assert [rows.place(number) for number in (0, 2, 3, 4)] == [
        "2013-01.parquet row 0",
        "2013-01.parquet row 2",
        "2013-02.parquet row 0",
        "2013-02.parquet row 1",
    ]


def test_a_failure_is_explained_with_column_rows_and_values(folder):
    assert report.explain(CHECK, table.read(folder)) == (
        'column "hour": expected values to be between 0 and 23; '
        "1 of 5 are not: 99 in 2013-02.parquet row 1"
    )


def test_the_page_shows_the_failure_and_the_rows_of_each_file(folder):
    outcome = Outcome(suite="flights", severity="critical", checks=[CHECK])
    written = report.render(outcome, table.read(folder))
    assert "critical failure" in written
    assert "99 in 2013-02.parquet row 1" in written
    assert "2013-01.parquet" in written


def test_a_file_with_other_columns_is_refused(folder):
    pq.write_table(pa.table({"hour": ["4"], "day": [1]}), folder / "2013-03.parquet")
    with pytest.raises(UserError, match='column "day" is new; column "hour" is string, not int64'):
        table.read(folder)


def test_a_file_that_is_no_parquet_is_named(folder):
    (folder / "2013-03.parquet").write_text("hour")
    with pytest.raises(UserError, match=r"2013-03\.parquet: this is no parquet file"):
        table.read(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"expectations": 3}'])
def test_a_suite_that_is_none_is_named(tmp_path, text):
    (tmp_path / "suite.json").write_text(text)
    with pytest.raises(UserError, match=r"suite\.json: this is not understood"):
        read_suite(tmp_path / "suite.json")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no parquet files"):
        table.read(tmp_path)
