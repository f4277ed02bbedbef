"""The Open Inference Protocol v2 as JSON: requests to tensors, tensors to responses.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tiphys.ml.package import Array, Tensor, tensor_json


class RequestError(Exception):
    """A request that the protocol or the model does not know; *status* is HTTP's."""

    def __init__(self, where: str, problem: str, status: int = 400) -> None:
        self.status = status
        super().__init__(f"{where}: {problem}")


def decode(request: object, inputs: Sequence[Tensor]) -> dict[str, Array]:
    """Return the arrays of *request* by input name. Raises: RequestError."""
    given = _named(request)
    known = {tensor.name: tensor for tensor in inputs}
    if unknown := sorted(given.keys() - known.keys()):
        raise RequestError("inputs", f"unknown {unknown}; the model takes {sorted(known)}")
    if missing := sorted(known.keys() - given.keys()):
        raise RequestError("inputs", f"missing {missing}")
    feeds = {name: _array(tensor, given[name]) for name, tensor in known.items()}
    if len({len(array) for array in feeds.values()}) != 1:
        rows = {name: len(array) for name, array in feeds.items()}
        raise RequestError("inputs", f"different numbers of rows: {rows}")
    return feeds


def encode(
    request: Mapping[str, Any], outputs: Iterable[Tensor], arrays: Mapping[str, Array]
) -> dict[str, Any]:
    """Return the answer to *request*: the outputs it asks for, or all. Raises: RequestError."""
    known = {tensor.name: tensor for tensor in outputs}
    asked = [_name(each) for each in _list(request.get("outputs", []), "outputs")] or list(known)
    if unknown := [name for name in asked if name not in known]:
        raise RequestError("outputs", f"unknown {unknown}; the model gives {sorted(known)}")
    answer = {"id": request["id"]} if "id" in request else {}
    return answer | {"outputs": [tensor_json(known[name], arrays[name]) for name in asked]}


def _named(request: object) -> dict[str, Mapping[str, Any]]:
    if not isinstance(request, Mapping) or "inputs" not in request:
        raise RequestError("body", 'must be a JSON object with "inputs"')
    tensors = _list(request["inputs"], "inputs")
    named = {_name(tensor): tensor for tensor in tensors}
    if len(named) != len(tensors):
        raise RequestError("inputs", "one is given twice")
    return named


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise RequestError(name, "must be a list")
    return value


def _name(tensor: object) -> str:
    if not isinstance(tensor, Mapping) or not isinstance(tensor.get("name"), str):
        raise RequestError("tensor", "must be an object with a name")
    return str(tensor["name"])


def _array(tensor: Tensor, given: Mapping[str, Any]) -> Array:
    name = tensor.name
    if given.get("datatype") != tensor.datatype:
        raise RequestError(name, f"is {tensor.datatype}, the request says {given.get('datatype')}")
    data = _flat(_list(given.get("data"), f"{name}.data"))
    shape = given.get("shape")
    if shape not in ([len(data)], [len(data), 1]):
        raise RequestError(name, f"has {len(data)} values and shape {shape}; it must be [rows]")
    if not all(_fits(value, tensor) for value in data):
        raise RequestError(name, f"has a value that is not {tensor.datatype}")
    match tensor.datatype:
        case "FP32":
            return np.array([np.nan if each is None else each for each in data], dtype=np.float32)
        case "INT64":
            return np.array(data, dtype=np.int64)
        case "BYTES":
            return np.array(data, dtype=object)


def _flat(data: list[Any]) -> list[Any]:
    """Return rows of one value each as a list of values: the protocol allows both."""
    return [each[0] if isinstance(each, list) and len(each) == 1 else each for each in data]


def _fits(value: object, tensor: Tensor) -> bool:
    match tensor.datatype:
        case "FP32":
            return value is None or isinstance(value, float) or _is_whole(value)
        case "INT64":
            return _is_whole(value)
        case "BYTES":
            return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
