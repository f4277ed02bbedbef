"""What is said when a pipeline is wrong: always with the file and line of the call."""

import sys
from collections.abc import Iterable

from tiphys.errors import UserError, nearest

_PACKAGE = __name__.rpartition(".")[0]


class AuthoringError(UserError):
    """A pipeline that cannot become a manifest: found while its file is loaded."""

    def __init__(self, subject: str, found: str, advice: str = "") -> None:
        super().__init__(f"{call_site()}: {subject}", found, advice)


class UnknownReferenceError(AuthoringError):
    """A name that nothing has, with the nearest that exist."""

    def __init__(self, subject: str, what: str, name: str, known: Iterable[str]) -> None:
        super().__init__(subject, f'has no {what} "{name}".', nearest(name, known))


def call_site() -> str:
    """Return `file:line` of the innermost call from outside this package."""
    frame = sys._getframe()  # noqa: SLF001 -- `inspect.stack` reads every source file on the way
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
