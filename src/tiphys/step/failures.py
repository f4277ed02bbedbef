"""How a step fails: each way has an exit code, and retry policies are written against them."""

import os
from enum import IntEnum

from tiphys.errors import UserError


class ExitCode(IntEnum):
    """What a step's process ends with. Anything else is a failure of unknown kind."""

    DONE = 0
    FAILED = 1
    WRONG_INPUT = 2
    TEMPORARY = 75
    BAD_DEVICE = 76
    INTERRUPTED = 130
    OUT_OF_MEMORY = 137
    PREEMPTED = 143


class WrongInput(UserError):  # noqa: N818 -- it names what happened, as the caller would say it
    """The input or the configuration is wrong: trying again cannot help. Exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__("", message)


class Temporary(Exception):  # noqa: N818
    """Something outside was not ready; the same call may succeed later. Exit code 75."""


class Preempted(Exception):  # noqa: N818
    """The step was told to go and has saved what it needs to go on. Exit code 143."""


class OutOfMemory(Exception):  # noqa: N818
    """The kernel killed a process of the step, which needs more memory. Exit code 137."""


FULL_DISK_WORDS = (
    "^(Pod ephemeral local storage usage|Container [^ ]+ exceeded its local|Usage of EmptyDir )"
)
"""How kubelet begins where it evicts a pod that wrote more than it may."""

VANISHED = "((ContainerStatus)?Unknown|StartError)"
"""Kubelet's reason for a container that nobody saw end, or begin; the exit code that it makes up is
none of its own."""

NODE = "TIPHYS_NODE"
"""The variable that names the node, where a template sets it."""

ON_NODE = "bad device on node "
"""How a message names it; the next attempt's placement reads it there."""

_OF_DEVICES = (
    "uncorrectable ECC error",
    "uncorrectable NVLink error",
    "hardware stack error",
    "unspecified launch failure",
    "busy or unavailable",
    "fallen off the bus",
    "GPU is lost",
)
"""What CUDA and the driver say when a device is to blame. Not its fault, and the same on every
node, is what else begins with "CUDA error": a failed assertion or an illegal address on the device
is a bug of the program, memory that does not suffice its size, "no kernel image" or an "unsupported
toolchain" a build for other devices. An Xid alone does not tell: many are the program's. A launch
failure may come from a kernel of the project's own; where it has none, it is the device."""


class BadDevice(Exception):  # noqa: N818
    """A device of this node computes no more; another node is better. Exit code 76."""


def message(error: BaseException) -> str:
    """Return what *error* says, with the node where a device is to blame."""
    said = str(error) or type(error).__name__
    known = ON_NODE in said  # by the pod of a gang, on a node of its own
    if exit_code(error) is ExitCode.BAD_DEVICE and not known and (node := os.environ.get(NODE)):
        return f"{ON_NODE}{node}: {said}"
    return said


def exit_code(error: BaseException) -> ExitCode:
    """Return the exit code that says what *error* means."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    if any(words in str(error) for words in _OF_DEVICES):
        return ExitCode.BAD_DEVICE
    return ExitCode.FAILED


_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (UserError, ExitCode.WRONG_INPUT),
    (Temporary, ExitCode.TEMPORARY),
    (BadDevice, ExitCode.BAD_DEVICE),
    (OutOfMemory, ExitCode.OUT_OF_MEMORY),
    (Preempted, ExitCode.PREEMPTED),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
)
