"""What a suite found, for people: a page, and the lines of the message that stops a run."""

from tiphys import page
from tiphys.ml.quality.outcome import Check, Outcome, Severity
from tiphys.ml.quality.table import Table

TONES: dict[Severity, page.Tone] = {
    "none": "good",
    "info": "neutral",
    "warning": "warn",
    "critical": "bad",
}


def explain(check: Check, table: Table) -> str:
    """Return one line: which column, what was expected, what was found and in which rows."""
    line = f"{check.subject}: expected {check.expectation}"
    if check.unexpected:
        line += f"; {check.unexpected:,} of {check.checked:,} are not"
    if check.observed:
        line += f"; found {check.observed}"
    if check.examples:
        first = check.examples[:3]
        shown = ", ".join(f"{_value(one.value)} in {table.place(one.row)}" for one in first)
        line += f": {shown}" + (", …" if check.unexpected > len(first) else "")
    return line


def render(outcome: Outcome, table: Table) -> str:
    """Return the page."""
    failed = outcome.failed
    tone = TONES[outcome.severity]
    words = "as expected" if outcome.severity == "none" else f"{outcome.severity} failure"
    return page.page(
        f"Data: {outcome.suite}",
        page.figures(
            [
                page.Figure(label="Rows", value=len(table.frame)),
                page.Figure(label="Columns", value=len(table.frame.columns)),
                page.Figure(label="Expectations", value=len(outcome.checks)),
                page.Figure(label="Failed", value=len(failed), tone=tone if failed else "good"),
            ]
        ),
        page.section("What is not as expected", _failures(outcome, table)) if failed else "",
        page.section("Rows of each file", page.bars(_rows(table))),
        page.section(
            "Missing values",
            page.bars(_missing(table)),
            note="The share of each column that is empty; columns without gaps are not listed.",
        ),
        page.section("All expectations", _all(outcome)),
        badge=page.badge(words, tone),
        lead="A critical failure stops the run before training; others are reported.",
    )


def _failures(outcome: Outcome, table: Table) -> page.Markup:
    rows = [
        [page.badge(one.severity, TONES[one.severity]), explain(one, table), one.why]
        for one in outcome.failed
    ]
    return page.table(["severity", "what was found", "why it is asked"], rows)


def _all(outcome: Outcome) -> page.Markup:
    rows = [
        [
            page.badge("ok", "good") if one.passed else page.badge("failed", TONES[one.severity]),
            page.code(one.column) if one.column else "table",
            one.expectation,
            one.severity,
            f"{one.unexpected:,} unexpected" if one.checked else one.observed,
        ]
        for one in outcome.checks
    ]
    return page.table(["", "column", "expected", "severity", "found"], rows)


def _rows(table: Table) -> list[page.Bar]:
    return [
        page.Bar(label=one.name, value=one.rows, shown=f"{one.rows:,}") for one in table.sources
    ]


def _missing(table: Table) -> list[page.Bar]:
    share = table.frame.isna().mean().sort_values(ascending=False)
    return [
        page.Bar(label=str(name), value=float(value), shown=f"{value:.2%}")
        for name, value in share.items()
        if value > 0
    ]


def _value(value: object) -> str:
    return "a missing value" if value is None or value == "nan" else repr(value)
