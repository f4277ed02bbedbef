"""Whose mistake an exception is: one of the project's own code is told with its line."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tiphys.errors import TiphysError, UserError

_OURS = Path(__file__).parent
_THEIRS = ("workflows", "components")


class ProjectCodeError(UserError):
    """A file of the project cannot be imported, or its `build` raises."""

    def __init__(self, where: str, problem: Exception) -> None:
        said = problem.msg if isinstance(problem, SyntaxError) else str(problem)
        super().__init__(where, f"{type(problem).__name__}: {said}")


class BuildResultError(UserError):
    """A `build` that returns what is no manifest."""

    def __init__(self, where: str, found: object) -> None:
        super().__init__(
            where,
            f"build() returned {found!r:.60}.",
            "It should be a list of workflows, such as [pipeline.template()].",
        )


@contextmanager
def blamed(root: Path) -> Iterator[None]:
    """Run code of the project at *root*; what it raises becomes a `ProjectCodeError`.

    What this package raises itself stays as it is: that is a bug of ours.
    """
    try:
        yield
    except TiphysError:
        raise
    except Exception as problem:
        if where := _place(problem, root):
            raise ProjectCodeError(where, problem) from problem
        raise


def _place(problem: Exception, root: Path) -> str:
    """Return `file:line` of the innermost line of the project; "" where it is not its mistake."""
    if isinstance(problem, SyntaxError):
        return f"{problem.filename}:{problem.lineno}"
    frames = [
        (Path(one.filename), one.lineno) for one in traceback.extract_tb(problem.__traceback__)
    ]
    if not frames or _OURS in frames[-1][0].parents:
        return ""
    folders = [root / name for name in _THEIRS]
    theirs = [f"{file}:{line}" for file, line in frames if any(f in file.parents for f in folders)]
    return theirs[-1] if theirs else ""
