"""JSON and base64."""

import base64
import binascii

from tiphys.expression import jsonpath, jsontext
from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Value


def to_json(value: object) -> str:
    """Indented by two blanks; Argo's `toJson` is compact."""
    return jsontext.written(value, indent="  ")


def to_compact_json(value: object) -> str:
    return jsontext.written(value)


def from_json(text: str) -> Value:
    return jsontext.decoded(text)


def to_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def from_base64(text: str) -> str:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(f"`{text}` is no base64.") from None
    return data.decode(errors="replace")


def json_path(text: str, path: str) -> Value:
    return jsonpath.query(jsontext.decoded(text), path)


FUNCTIONS: dict[str, Function] = {
    "toJSON": to_json,
    "fromJSON": from_json,
    "toBase64": to_base64,
    "fromBase64": from_base64,
}
