"""What a suite found, whatever library looked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tiphys.errors import UserError
from tiphys.ml.quality import wording

Severity = Literal["none", "info", "warning", "critical"]
"""Of the worst failure; "none" when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One value that should not be there."""

    row: int
    """From 0, in the whole table."""
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expectation and how it went."""

    type: str
    """As in the suite: expect_column_values_to_be_between."""
    column: str
    """Empty where the expectation is about the table."""
    severity: Severity
    why: str
    """From the suite, for people."""
    asked: Mapping[str, Any]
    """The expectation's other arguments."""
    passed: bool
    unexpected: int
    """How many values are not as expected; 0 where no single value is to blame."""
    checked: int
    """How many values were looked at; 0 where not values were."""
    examples: Sequence[Example]
    observed: str
    """What was found, where it is one thing: a mean, a set of columns, an error."""

    @property
    def subject(self) -> str:
        """The column, or the table."""
        return f'column "{self.column}"' if self.column else "the table"

    @property
    def expectation(self) -> str:
        """The expectation in words.

        >>> Check(type="expect_column_values_to_be_between", column="hour", severity="critical",
        ...       why="", asked={"min_value": 0, "max_value": 23}, passed=True, unexpected=0,
        ...       checked=9, examples=(), observed="").expectation
        'values to be between 0 and 23'
        """
        return wording.sentence(self.type, self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A suite's checks and their verdict."""

    suite: str
    severity: Severity
    checks: Sequence[Check]

    @property
    def failed(self) -> list[Check]:
        """The failed checks, the worst first."""
        order = ("critical", "warning", "info", "none")
        failed = (one for one in self.checks if not one.passed)
        return sorted(failed, key=lambda one: order.index(one.severity))


class SuiteError(UserError):
    """A suite cannot be used."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, f"this is not understood: {reason}.", "Correct the suite.")


def read_suite(path: Path) -> Mapping[str, Any]:
    """Return the suite in the JSON file *path*.

    Raises: SuiteError: there is none.
    """
    try:
        suite = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SuiteError(str(path), str(error)) from error
    if not isinstance(suite, dict) or not isinstance(suite.get("expectations"), list):
        raise SuiteError(str(path), 'it has no list of "expectations"')
    return suite
