"""What a training leaves: two files, which travel through storage where no artifact can.

`weights.pt` is a PyTorch state dict, `training.json` holds all that is needed to build the network
again and to say of what. The second is written last: where it is, the training is whole.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tiphys.ml.storage import open_store, reach

WEIGHTS, DESCRIPTION = "weights.pt", "training.json"

_ANSWER = "answer.json"
"""What the workers tell their parent; it does not leave the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a finished training says of itself."""

    rows: int
    """Rows that were trained on, without those for validation."""
    epochs: int
    loss: float
    """The mean over the last epoch."""
    resumed_from: int
    """The step of the checkpoint that the last attempt resumed from; 0: none."""

    def write(self, directory: Path) -> None:
        """Write the answer beside the weights."""
        (directory / _ANSWER).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> "Answer":
        """Return what the workers answered."""
        raw: Mapping[str, Any] = json.loads((directory / _ANSWER).read_bytes())
        return cls(**raw)


class GangFailedError(Exception):
    """The workers failed and restarting them did not help."""


def publish(checkpoint: Path, place: str) -> None:
    """Copy the directory *checkpoint* to the URL *place*.

    Raises: Temporary: it does not answer.
    """
    store = open_store(place)
    with reach(place):
        for name in (WEIGHTS, DESCRIPTION):
            store.put(f"result/{name}", checkpoint / name)


def bring(place: str, checkpoint: Path) -> Answer:
    """Bring what `publish` copied to *place* into the directory *checkpoint*.

    Raises:
        FileNotFoundError: no training has ended there.
        Temporary: it does not answer.
    """
    checkpoint.mkdir(parents=True, exist_ok=True)
    store = open_store(place)
    with reach(place):
        for name in (DESCRIPTION, WEIGHTS):
            (checkpoint / name).write_bytes(bytes(store.get(f"result/{name}").bytes()))
    return Answer(**json.loads((checkpoint / DESCRIPTION).read_bytes())["answer"])
