"""Steps that fail, each in its own way, and some of them recover."""

import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import obstore

from tiphys.ml.storage import open_store
from tiphys.step import BadDevice, Preempted, Temporary, WrongInput, metric

MARK = "begun"
LONG_SECONDS = 600


def misread(*, month: str) -> None:
    """Read a month that is not there."""
    problem = f"there is no month {month}."
    raise WrongInput(problem)


def wait_for_remote() -> None:
    """Wait for a remote that never answers."""
    problem = "the remote does not answer."
    raise Temporary(problem)


def remember(*, mebibytes: int) -> None:
    """Take so much memory."""
    taken = b"x" * (mebibytes << 20)
    metric("bytes", len(taken))


def fill(*, mebibytes: int) -> None:
    """Write so much, and be there when somebody looks."""
    with Path(tempfile.gettempdir(), "scratch").open("wb") as file:
        file.writelines(bytes(1 << 20) for _ in range(mebibytes))
    time.sleep(LONG_SECONDS)


def compute(*, checkpoints: str) -> None:
    """Compute on a device that fails at first."""
    if _begun(checkpoints) is None:
        _begin(checkpoints, b"")
        problem = "uncorrectable ECC error"
        raise BadDevice(problem)


def hang() -> None:
    """Never end."""
    time.sleep(LONG_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    resumed_at: int
    """What the checkpoint said."""


def count(*, checkpoints: str) -> Counted:
    """Count; when told to go, save how far it came, and go on from there the next time."""
    saved = _begun(checkpoints)
    if saved is not None:
        return Counted(resumed_at=int(saved))

    def go(number: int, frame: FrameType | None) -> None:
        del number, frame
        _begin(checkpoints, b"400")
        problem = "saved at 400."
        raise Preempted(problem)

    signal.signal(signal.SIGTERM, go)
    metric("ready", 1)
    time.sleep(LONG_SECONDS)
    return Counted(resumed_at=0)


def linger(*, checkpoints: str) -> None:
    """Be there for long, the first time."""
    if _begun(checkpoints) is None:
        _begin(checkpoints, b"")
        metric("ready", 1)
        time.sleep(LONG_SECONDS)


def _begun(checkpoints: str) -> bytes | None:
    try:
        return bytes(obstore.get(open_store(checkpoints), MARK).bytes())
    except FileNotFoundError:
        return None


def _begin(checkpoints: str, saved: bytes) -> None:
    obstore.put(open_store(checkpoints), MARK, saved)


def begin() -> None:
    """Do nothing, once it begins."""
