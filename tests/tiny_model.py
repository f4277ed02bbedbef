"""A model artifact small enough for any test: sigmoid(weight x temp + what the carrier adds)."""

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
from onnx import TensorProto, helper

from tiphys.ml import package
from tiphys.ml.package import Tensor

INPUTS = (Tensor(name="temp", datatype="FP32"), Tensor(name="carrier", datatype="BYTES"))
OUTPUT = Tensor(name="probability", datatype="FP32")
GOLDEN = pa.table({"temp": [-1.0, 0.5, 2.0], "carrier": ["AA", "UA", "ZZ"]})
ADDS = {"AA": -0.5, "UA": 0.5}


def save(directory, weight=1.0):
    """Write the model; *weight* makes it another one, the worse the further from 1."""
    graph = _graph(weight)
    session = onnxruntime.InferenceSession(graph)
    feeds = {each.name: package.column(GOLDEN, each) for each in INPUTS}
    (answer,) = session.run(None, feeds)
    document = {
        "label": "late",
        "inputs": [each.to_json() for each in INPUTS],
        "outputs": [OUTPUT.to_json()],
        "preprocessing": [],
        "training": {"rows": 3},
        "golden": {
            "request": {"inputs": [package.tensor_json(each, feeds[each.name]) for each in INPUTS]},
            "response": {"outputs": [package.tensor_json(OUTPUT, answer)]},
            "tolerance": 1e-5,
        },
    }
    package.save(directory, graph, document)
    return directory


def holdout(rows=2000, seed=7):
    """Return a month that the model of weight 1 describes."""
    random = np.random.default_rng(seed)
    temp = random.normal(size=rows).astype("float32")
    carrier = random.choice(["AA", "UA", "ZZ"], size=rows)
    score = temp + np.array([ADDS.get(each, 0.0) for each in carrier])
    late = random.random(rows) < 1 / (1 + np.exp(-score))
    return pa.table({"temp": temp, "carrier": carrier, "late": late})


def _graph(weight):
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["carrier"],
            ["adds"],
            domain="ai.onnx.ml",
            keys_strings=list(ADDS),
            values_floats=list(ADDS.values()),
            default_float=0.0,
        ),
        helper.make_node("Mul", ["temp", "weight"], ["scaled"]),
        helper.make_node("Add", ["scaled", "adds"], ["score"]),
        helper.make_node("Sigmoid", ["score"], ["probability"]),
    ]
    inputs = [
        helper.make_tensor_value_info("temp", TensorProto.FLOAT, ["rows"]),
        helper.make_tensor_value_info("carrier", TensorProto.STRING, ["rows"]),
    ]
    outputs = [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows"])]
    constant = helper.make_tensor("weight", TensorProto.FLOAT, [1], [weight])
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [constant])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()
