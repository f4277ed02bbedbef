"""The golden request: what the model answered at export, asked again before it serves."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tiphys.errors import UserError


class GoldenError(UserError):
    """A server or a model gives another answer than when it was exported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A request in the Open Inference Protocol, the answer to it, and how near is equal."""

    request: Mapping[str, Any]
    response: Mapping[str, Any]
    tolerance: float

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return the golden request of the model artifact in *directory*."""
        raw = json.loads((directory / "model.json").read_bytes())["golden"]
        return cls(**{name: raw[name] for name in cls.__dataclass_fields__})

    def example(self) -> str:
        """Return the body of a request of one row, a line a field, for a person to start from."""
        lines = [
            json.dumps({**tensor, "shape": [1], "data": [_short(tensor["data"][0])]})
            for tensor in self.request["inputs"]
        ]
        return '{"inputs": [\n' + ",\n".join(lines) + "\n]}\n"

    def compare(self, where: str, answer: Mapping[str, Any]) -> None:
        """Check that *answer* is the recorded one. Raises: GoldenError: it is not."""
        given = {each["name"]: each["data"] for each in answer.get("outputs", [])}
        for output in self.response["outputs"]:
            name, expected = output["name"], output["data"]
            found = given.get(name, [])
            if len(found) != len(expected):
                raise GoldenError(where, f"gives {len(found)} {name}, not {len(expected)}.")
            for mine, theirs in zip(expected, found, strict=True):
                if not _equal(mine, theirs, self.tolerance):
                    told = f"answers the golden request with {theirs}; at export it was {mine}."
                    raise GoldenError(where, told, "Export it again, in this environment.")


def _short(value: object) -> object:
    """Return 39.02 for the 39.02000045776367 that 32 bits made of it."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _equal(mine: object, theirs: object, tolerance: float) -> bool:
    if isinstance(mine, float | int) and isinstance(theirs, float | int):
        return math.isclose(mine, theirs, rel_tol=0, abs_tol=tolerance)
    return mine == theirs
