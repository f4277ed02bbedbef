import dataclasses
import json

import numpy as np
import pytest

from tiphys.ml.package import Tensor
from tiphys.ml.serving import oip
from tiphys.ml.serving.golden import Golden, GoldenError
from tiphys.ml.serving.oip import RequestError

INPUTS = (
    Tensor(name="temp", datatype="FP32"),
    Tensor(name="hour", datatype="INT64"),
    Tensor(name="carrier", datatype="BYTES"),
)
OUTPUTS = (Tensor(name="probability", datatype="FP32"),)


def tensor(name, datatype, *data, shape=None):
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": list(data)}


def request(**changed):
    given = {
        "temp": tensor("temp", "FP32", 1.5, None),
        "hour": tensor("hour", "INT64", 7, 8),
        "carrier": tensor("carrier", "BYTES", "UA", ""),
    } | changed
    return {"inputs": [each for each in given.values() if each is not None]}


def test_a_request_becomes_arrays_of_the_model_s_types():
    feeds = oip.decode(request(), INPUTS)
    assert feeds["temp"].dtype == np.float32
    assert np.isnan(feeds["temp"][1])
    assert feeds["hour"].tolist() == [7, 8]
    assert feeds["carrier"].tolist() == ["UA", ""]


def test_a_column_of_rows_is_as_good_as_a_list():
    nested = tensor("hour", "INT64", [7], [8], shape=[2, 1])
    assert oip.decode(request(hour=nested), INPUTS)["hour"].tolist() == [7, 8]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ([], 'must be a JSON object with "inputs"'),
        ({}, 'must be a JSON object with "inputs"'),
        ({"inputs": {}}, "inputs: must be a list"),
        ({"inputs": [1]}, "tensor: must be an object with a name"),
        (request(more=tensor("hour", "INT64", 1)), "inputs: one is given twice"),
        (request(more=tensor("wind", "FP32", 1.0)), "unknown ['wind']; the model takes"),
        (request(hour=None), "inputs: missing ['hour']"),
        (request(hour=tensor("hour", "FP32", 1, 2)), "hour: is INT64, the request says FP32"),
        (request(hour=tensor("hour", "INT64", 1.5, 2)), "hour: has a value that is not INT64"),
        (request(hour=tensor("hour", "INT64", *[True, 2])), "hour: has a value that is not INT64"),
        (request(temp=tensor("temp", "FP32", 10**400, 2)), "temp: has a value that is not FP32"),
        (request(hour=tensor("hour", "INT64", 2**63, 2)), "hour: has a value that is not INT64"),
        (request(temp=tensor("temp", "FP32", "1", 2)), "temp: has a value that is not FP32"),
        (request(temp=tensor("temp", "FP32", [1, 2], 2)), "temp: has a value that is not FP32"),
        (request(carrier=tensor("carrier", "BYTES", 1, "")), "carrier: has a value that is not"),
        (request(hour=tensor("hour", "INT64", 1, 2, shape=[3])), "2 values and shape [3]"),
        (request(hour=tensor("hour", "INT64", 1, 2, 3)), "different numbers of rows"),
        (request(hour={"name": "hour", "datatype": "INT64"}), "hour.data: must be a list"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(bad, problem):
    with pytest.raises(RequestError) as caught:
        oip.decode(bad, INPUTS)
    assert problem in str(caught.value)
    assert caught.value.status == 400


def test_an_answer_names_the_request_and_the_outputs_asked_for():
    arrays = {"probability": np.array([0.25, np.nan], dtype=np.float32)}
    answer = oip.encode({"id": "7", "outputs": [{"name": "probability"}]}, OUTPUTS, arrays)
    assert answer["id"] == "7"
    (output,) = answer["outputs"]
    assert (output["shape"], output["data"]) == ([2], [0.25, None])
    with pytest.raises(RequestError, match="the model gives"):
        oip.encode({"outputs": [{"name": "class"}]}, OUTPUTS, arrays)


GOLDEN = Golden(
    request={"inputs": [tensor("temp", "FP32", 1.0, 2.0)]},
    response={"outputs": [tensor("probability", "FP32", 0.5, None)]},
    tolerance=1e-5,
)


def answered(*data):
    return {"outputs": [tensor("probability", "FP32", *data)]}


def test_an_answer_within_the_tolerance_is_the_golden_one():
    GOLDEN.compare("here", answered(0.500009, None))


@pytest.mark.parametrize(
    "answer", [answered(0.50002, None), answered(0.5, 0.5), answered(0.5), {"outputs": []}, {}]
)
def test_any_other_answer_is_not(answer):
    with pytest.raises(GoldenError, match=r"here: (gives|answers)"):
        GOLDEN.compare("here", answer)


def test_the_example_is_the_golden_request_s_first_row_as_a_person_would_type_it():
    request = {"inputs": [tensor("temp", "FP32", 39.02000045776367, 1.0)]}
    example = dataclasses.replace(GOLDEN, request=request).example()
    assert json.loads(example) == {"inputs": [tensor("temp", "FP32", 39.02)]}
    assert example.count("\n") == 3
