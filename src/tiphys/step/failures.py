"""How a step fails: each way has an exit code, and retry policies are written against them."""

from enum import IntEnum

from tiphys.errors import UserError


class ExitCode(IntEnum):
    """What a step's process ends with. Anything else is a failure of unknown kind."""

    DONE = 0
    FAILED = 1
    WRONG_INPUT = 2
    TEMPORARY = 75
    INTERRUPTED = 130
    PREEMPTED = 143


class WrongInput(UserError):  # noqa: N818 -- it names what happened, as the caller would say it
    """The input or the configuration is wrong: trying again cannot help. Exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__("", message)


class Temporary(Exception):  # noqa: N818
    """Something outside was not ready; the same call may succeed later. Exit code 75."""


class Preempted(Exception):  # noqa: N818
    """The step was told to go and has saved what it needs to go on. Exit code 143."""


def exit_code(error: BaseException) -> ExitCode:
    """Return the exit code that says what *error* means."""
    match error:
        case UserError():
            return ExitCode.WRONG_INPUT
        case Temporary():
            return ExitCode.TEMPORARY
        case Preempted():
            return ExitCode.PREEMPTED
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case _:
            return ExitCode.FAILED
