import json

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tiphys.errors import UserError
from tiphys.ml import package, tabular
from tiphys.ml.features import Features
from tiphys.ml.training import exporting, fitting
from tiphys.ml.training.network import Network
from tiphys.ml.training.outcome import Answer
from tiphys.ml.training.request import Settings

FEATURES = Features(label="late", numbers=["wind", "far"], categories=["town", "hour"])
SETTINGS = Settings(epochs=1, seed=7)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Rows, and the artifact of a training that has not learned anything."""
    folder = tmp_path_factory.mktemp("export")
    chance = np.random.default_rng(7)
    wind = chance.normal(50, 9, size=200)
    table = pa.table(
        {
            "wind": pa.array(wind, mask=chance.random(200) < 0.2),
            "far": chance.integers(1, 5000, size=200),
            "town": pa.array(chance.choice(["a", "b", "ü"], size=200)),
            "hour": chance.integers(0, 24, size=200),
            "late": chance.random(200) < 0.3,
        }
    )
    pq.write_table(table, folder / "2013-01.parquet")
    preprocessing = tabular.fit(table, FEATURES)
    torch.manual_seed(7)
    (folder / "checkpoint").mkdir()
    torch.save(Network(preprocessing).state_dict(), folder / "checkpoint/weights.pt")
    answer = Answer(rows=180, epochs=1, loss=0.7, resumed_from=0)
    trained = fitting.Trained(
        months=["2013-01"],
        features=FEATURES,
        preprocessing=preprocessing,
        settings=SETTINGS,
        answer=answer,
    )
    trained.write(folder / "checkpoint")
    return folder


@pytest.fixture(scope="module")
def model(material):
    exporting.export(material / "checkpoint", material, material / "model")
    return package.load(material / "model")


def ask(model, feeds):
    session = onnxruntime.InferenceSession(model.graph)
    return session.run(["probability"], feeds)[0]


def test_the_golden_request_gets_the_golden_answer(model):
    kinds = {"FP32": np.float32, "INT64": np.int64, "BYTES": object}
    feeds = {
        one["name"]: np.array(one["data"], dtype=kinds[one["datatype"]])
        for one in model.golden.request["inputs"]
    }
    expected = model.golden.response["outputs"][0]["data"]
    np.testing.assert_allclose(ask(model, feeds), expected, atol=model.golden.tolerance)


def test_the_model_takes_plain_columns_and_any_number_of_rows(model):
    table = pa.table({"wind": [None], "far": [3], "town": ["never seen"], "hour": [99]})
    answer = ask(model, model.feeds(table))
    assert answer.shape == (1,)
    assert 0 < answer[0] < 1


def test_the_same_weights_give_the_same_bytes(material, model):
    again = exporting.export(material / "checkpoint", material, material / "again")
    assert again.model_hash == package.digest(model.directory)
    assert again.rows_checked == 200
    assert again.largest_difference < exporting.TOLERANCE


def test_nothing_of_this_machine_is_in_the_model(material, model):
    whole = model.graph.read_bytes() + (model.directory / "model.json").read_bytes()
    for trace in (str(material), ".py", "site-packages"):
        assert trace.encode() not in whole


def test_the_document_says_what_was_learned_from_the_columns(model):
    document = json.loads((model.directory / "model.json").read_bytes())
    assert [one["datatype"] for one in document["inputs"]] == ["FP32", "FP32", "BYTES", "INT64"]
    assert document["preprocessing"][2]["values"] == ["a", "b", "ü"]
    assert document["training"]["months"] == ["2013-01"]


def test_what_no_training_wrote_is_not_exported(tmp_path):
    with pytest.raises(UserError, match="no training wrote this"):
        exporting.export(tmp_path, tmp_path, tmp_path / "model")
