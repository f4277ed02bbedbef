"""Check all data against the suite of expectations, and stop the run when they are not fit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tiphys.ml.quality import report as writing
from tiphys.ml.quality import table
from tiphys.ml.quality.outcome import read_suite
from tiphys.step import Output, WrongInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What was found."""

    severity: Literal["none", "info", "warning", "critical"]
    """Of the worst failure. A critical one is never returned: it stops the run."""
    expectations: int
    failed: int


def validate(
    *,
    data: Path,
    suite: str = "quality/flights.json",
    report: Annotated[Path, Output(view="html")],
) -> Validation:
    """Check every row of *data*.

    Args:
        data: a folder of parquet files
        suite: the JSON file of expectations, in the project
        report: the page to write, also when the run is stopped
    Raises: WrongInput: a critical expectation failed; columns and rows are named.
    """
    rows = table.read(data)
    from tiphys.ml.quality import gx  # noqa: PLC0415 - seconds that rendering need not pay

    outcome = gx.validate(rows.frame, read_suite(Path(suite)))
    report.write_text(writing.render(outcome, rows), encoding="utf-8")
    critical = [one for one in outcome.failed if one.severity == "critical"]
    if critical:
        lines = "\n".join(f"  {writing.explain(one, rows)}" for one in critical)
        problem = f"The data failed {len(critical)} critical expectations of {suite}:\n{lines}"
        raise WrongInput(problem)
    return Validation(
        severity=outcome.severity,
        expectations=len(outcome.checks),
        failed=len(outcome.failed),
    )
