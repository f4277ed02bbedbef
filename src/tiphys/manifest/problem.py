"""What is wrong with a manifest: collected as values, never raised at the first."""

from dataclasses import dataclass
from enum import StrEnum

from tiphys.manifest.model import Manifest, Position


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding; its text is the line that is printed.

    >>> str(Problem(Position("a.yaml", 3, 5), Severity.ERROR, "`imgae` is no field.", "Drop it."))
    'a.yaml:3:5: `imgae` is no field. Drop it.'
    """

    at: Position
    severity: Severity
    found: str
    advice: str = ""

    def __str__(self) -> str:
        mark = "warning: " if self.severity is Severity.WARNING else ""
        return f"{self.at}: {mark}{self.found}" + (f" {self.advice}" if self.advice else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The outcome of `load`: `manifest` is None when any problem is an error."""

    manifest: Manifest | None
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is Severity.WARNING)


class Findings:
    """Problems in the order they are found; the same warning is kept once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._warned: set[str] = set()

    def error(self, at: Position, found: str, advice: str = "") -> None:
        self.problems.append(Problem(at, Severity.ERROR, found, advice))

    def warn(self, at: Position, found: str, advice: str = "") -> None:
        if found not in self._warned:
            self._warned.add(found)
            self.problems.append(Problem(at, Severity.WARNING, found, advice))

    @property
    def failed(self) -> bool:
        return any(each.severity is Severity.ERROR for each in self.problems)
