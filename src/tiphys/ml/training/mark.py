"""What a worker leaves for its parent when it knows how it failed.

torchrun says no more than that a worker did, and starts the workers again. What has a name among
the failures of a step is not mended so: the parent ends torchrun and fails in the worker's words.
"""

import json
import os
from pathlib import Path

from tiphys.step import BadDevice, Temporary, WrongInput, failures
from tiphys.step.failures import ExitCode

NAME = "failure"

_KINDS: dict[ExitCode, type[Exception]] = {
    ExitCode.WRONG_INPUT: WrongInput,
    ExitCode.TEMPORARY: Temporary,
    ExitCode.BAD_DEVICE: BadDevice,
}


def leave(output: Path, error: Exception) -> None:
    """Leave word of *error* in the folder *output*, whole or not at all; none where it has no name.

    Several workers may, at the same time.
    """
    code = failures.exit_code(error)
    if code in _KINDS:
        part = output / f"{NAME}.{os.getpid()}"
        part.write_text(json.dumps({"code": code, "message": str(error)}), encoding="utf-8")
        part.replace(output / NAME)


def read(output: Path) -> Exception | None:
    """Return what a worker left word of, None where none did."""
    path = output / NAME
    if not path.exists():
        return None
    said = json.loads(path.read_bytes())
    return _KINDS[ExitCode(said["code"])](said["message"])
