import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tiphys.errors import UserError
from tiphys.ml import tabular
from tiphys.ml.features import Features
from tiphys.ml.tabular import Category, Number, Preprocessing

FEATURES = Features(label="late", numbers=["wind"], categories=["town", "hour"])
TABLE = pa.table(
    {
        "wind": [1.0, 3.0, None],
        "town": ["b", None, "a"],
        "hour": [7, 5, 7],
        "late": [True, False, True],
    }
)


def test_numbers_are_scaled_by_what_is_there_and_categories_are_sorted():
    assert tabular.fit(TABLE, FEATURES) == Preprocessing(
        numbers=[Number(name="wind", mean=2.0, deviation=1.0)],
        categories=[
            Category(name="town", values=["a", "b"]),
            Category(name="hour", values=[5, 7]),
        ],
    )


def test_what_is_missing_is_nan_or_the_code_of_others():
    numbers, codes = tabular.encode(TABLE, tabular.fit(TABLE, FEATURES))
    np.testing.assert_array_equal(numbers, np.float32([[1], [3], [np.nan]]))
    np.testing.assert_array_equal(codes, [[2, 2], [0, 1], [1, 2]])


def test_a_value_that_was_never_seen_is_one_of_the_others():
    learned = tabular.fit(TABLE, FEATURES)
    later = pa.table({"wind": [0], "town": ["z"], "hour": [23]})
    assert tabular.encode(later, learned)[1].tolist() == [[0, 0]]


def test_a_column_without_spread_is_not_divided_by_zero():
    still = pa.table({"wind": [4.0, 4.0]})
    features = Features(label="late", numbers=["wind"], categories=[])
    assert tabular.fit(still, features).numbers[0].deviation == 1.0


def test_preprocessing_survives_json():
    learned = tabular.fit(TABLE, FEATURES)
    assert Preprocessing.from_json(learned.to_json()) == learned


def test_months_are_read_in_the_order_that_is_asked(tmp_path):
    for month, value in [("2013-01", 1), ("2013-02", 2)]:
        pq.write_table(pa.table({"x": [value], "y": [0]}), tmp_path / f"{month}.parquet")
    table = tabular.read(tmp_path, ["2013-02", "2013-01"], ["x"])
    assert table.to_pydict() == {"x": [2, 1]}


def test_a_month_or_column_that_is_not_there_is_named(tmp_path):
    pq.write_table(pa.table({"distance": [1]}), tmp_path / "2013-01.parquet")
    with pytest.raises(UserError, match='no month "2013-02"'):
        tabular.read(tmp_path, ["2013-02"], ["distance"])
    with pytest.raises(UserError, match=r'"distances".* Did you mean "distance"'):
        tabular.read(tmp_path, ["2013-01"], ["distances"])


def test_a_label_that_is_missing_or_no_label_is_refused():
    for values in ([True, None], [0, 2]):
        with pytest.raises(UserError, match='column "late" is no label'):
            tabular.labels(pa.table({"late": values}), "late")


def test_a_file_without_features_is_named(tmp_path):
    with pytest.raises(UserError, match=r"params\.yaml"):
        Features.read(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("ingest: {}")
    with pytest.raises(UserError, match="no section `features`"):
        Features.read(tmp_path / "params.yaml")


def test_a_key_of_the_features_that_nobody_knows_is_named():
    with pytest.raises(UserError, match=r'"number".* Did you mean "numbers"'):
        Features.from_json({"label": "late", "number": [], "categories": []})
    with pytest.raises(UserError, match="categories is missing"):
        Features.from_json({"label": "late", "numbers": []})
