import json

import numpy as np
import pyarrow as pa
import pytest

from tiphys.errors import UserError
from tiphys.ml import package
from tiphys.ml.package import Tensor

DOCUMENT = {
    "label": "late",
    "inputs": [{"name": "wind", "datatype": "FP32", "shape": [-1]}],
    "outputs": [{"name": "probability", "datatype": "FP32", "shape": [-1]}],
    "preprocessing": [],
    "training": {"months": ["2013-01"]},
    "golden": {"request": {"inputs": []}, "response": {"outputs": []}, "tolerance": 1e-5},
}


def test_a_model_is_read_as_it_was_saved(tmp_path):
    package.save(tmp_path / "model", b"graph", DOCUMENT)
    found = package.load(tmp_path / "model")
    assert found.inputs == (Tensor(name="wind", datatype="FP32"),)
    assert found.golden.tolerance == 1e-5
    assert found.graph.read_bytes() == b"graph"


def test_the_digest_names_content_not_place(tmp_path):
    for name, graph in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        package.save(tmp_path / name, graph, DOCUMENT)
    first, second, third = (package.digest(tmp_path / name) for name in "abc")
    assert first == second != third


def test_a_directory_without_a_graph_is_no_model(tmp_path):
    with pytest.raises(UserError, match=r"there is no model\.onnx"):
        package.load(tmp_path)


@pytest.mark.parametrize("change", [{"format": "tiphys.model/9"}, {"golden": {}}, {"inputs": 3}])
def test_a_document_of_another_kind_is_refused(tmp_path, change):
    package.save(tmp_path, b"graph", DOCUMENT)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=r"model\.json"):
        package.load(tmp_path)


def test_columns_become_arrays_with_missing_values_filled():
    table = pa.table({"wind": [1, None], "town": ["a", None], "hour": [5, None]})
    arrays = [
        package.column(table, Tensor(name=name, datatype=kind))
        for name, kind in (("wind", "FP32"), ("town", "BYTES"), ("hour", "INT64"))
    ]
    np.testing.assert_array_equal(arrays[0], np.float32([1, np.nan]))
    assert arrays[1].tolist() == ["a", ""]
    assert arrays[2].tolist() == [5, package.MISSING_INTEGER]


def test_a_column_of_another_type_or_none_is_named():
    table = pa.table({"town": ["a"]})
    with pytest.raises(UserError, match='column "town" is not FP32'):
        package.column(table, Tensor(name="town", datatype="FP32"))
    with pytest.raises(UserError, match='column "hour" is missing'):
        package.column(table, Tensor(name="hour", datatype="INT64"))


def test_a_missing_number_is_null_in_a_request():
    tensor = package.tensor_json(Tensor(name="wind", datatype="FP32"), np.float32([1, np.nan]))
    assert tensor == {"name": "wind", "datatype": "FP32", "shape": [2], "data": [1.0, None]}
