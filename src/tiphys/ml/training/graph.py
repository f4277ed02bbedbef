"""The ONNX graph of a trained network, from plain columns to a probability.

PyTorch's exporter knows tensors of numbers only, so what turns columns into the two tensors that
the network takes (text to codes, many columns to one tensor) is put before its graph by hand. What
the exporter writes about the machine and the source lines is dropped: the same weights give the
same bytes.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator

import onnx
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper
from torch import Tensor, nn

from tiphys.ml import package
from tiphys.ml.tabular import Category, Preprocessing
from tiphys.ml.training.network import Network

OUTPUT = package.Tensor(name="probability", datatype="FP32")
OPSET, ML_OPSET, IR_VERSION = 18, 3, 10
"""What ONNX Runtime 1.23 and older servers read."""
KINDS = {"FP32": TensorProto.FLOAT, "INT64": TensorProto.INT64, "BYTES": TensorProto.STRING}


class _Probability(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return torch.sigmoid(self.network(numbers, codes))


def build(network: Network, preprocessing: Preprocessing) -> bytes:
    """Return the ONNX file of *network* with its *preprocessing* inside."""
    core = _exported(network, preprocessing)
    graph = helper.make_graph(
        nodes=[*_front(preprocessing), *core.graph.node],
        name="model",
        inputs=[_declared(one) for one in preprocessing.inputs],
        outputs=[_declared(OUTPUT)],
        initializer=[*core.graph.initializer, *_constants()],
    )
    domains = {one.domain: one.version for one in core.opset_import} | {"ai.onnx.ml": ML_OPSET}
    opsets = [helper.make_opsetid(name, version) for name, version in sorted(domains.items())]
    model = helper.make_model(graph, opset_imports=opsets, functions=core.functions)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "tiphys", ""
    onnx.checker.check_model(model)
    whole: bytes = model.SerializeToString(deterministic=True)
    return whole


def _exported(network: Network, preprocessing: Preprocessing) -> ModelProto:
    numbers = torch.zeros(3, len(preprocessing.numbers))
    codes = torch.zeros(3, len(preprocessing.categories), dtype=torch.int64)
    rows = torch.export.Dim("rows")
    with _silence():
        program = torch.onnx.export(
            _Probability(network).eval(),
            (numbers, codes),
            dynamo=True,
            opset_version=OPSET,
            input_names=["numbers", "codes"],
            output_names=[OUTPUT.name],
            dynamic_shapes=({0: rows}, {0: rows}),
            verbose=False,
        )
    if program is None:
        problem = "torch.onnx.export(dynamo=True) always returns a program"
        raise TypeError(problem)
    core: ModelProto = program.model_proto
    for node in core.graph.node:
        _forget_origin(node)
    return core


def _forget_origin(node: NodeProto) -> None:
    """Drop the stack trace: it holds paths of this machine."""
    del node.metadata_props[:]
    node.doc_string = ""


def _front(preprocessing: Preprocessing) -> Iterator[NodeProto]:
    """Turn a tensor a column into the two that the network takes."""
    numbers = [one.name for one in preprocessing.numbers]
    codes = [f"{one.name}/code" for one in preprocessing.categories]
    for one in preprocessing.categories:
        yield _encoder(one)
    for name in (*numbers, *codes):
        yield helper.make_node("Unsqueeze", [name, "front/axis"], [f"{name}/column"])
    for names, joined in ((numbers, "numbers"), (codes, "codes")):
        columns = [f"{name}/column" for name in names]
        yield helper.make_node("Concat", columns, [joined], axis=1)


def _encoder(category: Category) -> NodeProto:
    node = helper.make_node(
        "LabelEncoder", [category.name], [f"{category.name}/code"], domain="ai.onnx.ml"
    )
    keys = "keys_strings" if category.tensor.datatype == "BYTES" else "keys_int64s"
    codes = list(range(1, len(category.values) + 1))
    for name, value in ((keys, list(category.values)), ("values_int64s", codes)):
        node.attribute.append(helper.make_attribute(name, value))
    node.attribute.append(helper.make_attribute("default_int64", 0))
    return node


def _constants() -> list[TensorProto]:
    return [helper.make_tensor("front/axis", TensorProto.INT64, [1], [1])]


def _declared(tensor: package.Tensor) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(tensor.name, KINDS[tensor.datatype], ["rows"])


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep back what the exporter says of itself: absent torchvision, its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
