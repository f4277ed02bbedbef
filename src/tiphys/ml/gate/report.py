"""The decision as a page: challenger beside champion, curves, and every check."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from tiphys import page
from tiphys.ml.gate import metrics
from tiphys.ml.gate.decision import Check, Decision
from tiphys.ml.gate.metrics import Vector
from tiphys.page import Figure, Markup, Series

Points = list[tuple[float, float]]
DIAGONAL: Points = [(0.0, 0.0), (1.0, 1.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What is drawn of one model."""

    calibration: Points
    """Mean probability said, share seen; a point a bin."""
    roc: Points

    @classmethod
    def of(cls, labels_N: Vector, probabilities_N: Vector) -> Self:
        """Return the curves of a model on the holdout."""
        bins = metrics.calibration(labels_N, probabilities_N)
        return cls(
            calibration=[(said, seen) for said, seen, _ in bins],
            roc=metrics.roc_curve(labels_N, probabilities_N),
        )


def render(decision: Decision, curves: Mapping[str, Curves]) -> str:
    """Return the page; *curves* are by `challenger` and `champion`."""
    word = page.badge(*(("passed", "good") if decision.passed else ("refused", "bad")))
    return page.page(
        f"{decision.model}: challenger on {decision.holdout}",
        page.figures(list(_figures(decision))),
        page.section("Checks", _checks(decision.checks)),
        page.section(
            "Calibration",
            _chart({name: each.calibration for name, each in curves.items()}, "said", "seen"),
            note="Of the rows that were given a probability, how many came true: the nearer to "
            "the diagonal, the better.",
        ),
        page.section(
            "Ranking",
            _chart({name: each.roc for name, each in curves.items()}, "false alarms", "hits"),
            note="The share of positives found for each share of false alarms: the higher, the "
            "better.",
        ),
        page.section("What was judged", _identity(decision)),
        lead=decision.summary,
        badge=word,
    )


def _figures(decision: Decision) -> Iterable[Figure]:
    champion = decision.metrics.get("champion", {})
    for name, value in decision.metrics["challenger"].items():
        before = champion.get(name)
        if before is None:
            yield Figure(label=name, value=f"{value:.4f}")
        else:
            tone = _tone(metrics.METRICS[name].gain(value, before))
            note = f"champion {before:.4f}"
            yield Figure(label=name, value=f"{value:.4f}", note=note, tone=tone)


def _tone(gain: float) -> page.Tone:
    if gain == 0:
        return "neutral"
    return "good" if gain > 0 else "bad"


def _checks(checks: Iterable[Check]) -> Markup:
    rows = [
        (
            check.name,
            page.badge(check.verdict, "good" if check.verdict == "pass" else "bad"),
            check.reason,
        )
        for check in checks
    ]
    return page.table(("rule", "verdict", "why"), rows)


def _chart(lines: Mapping[str, Points], x: str, y: str) -> Markup:
    series = [Series(name=name, points=points) for name, points in lines.items()]
    diagonal = Series(name="diagonal", points=DIAGONAL, reference=True)
    return page.line_chart([*series, diagonal], x=x, y=y)


def _identity(decision: Decision) -> Markup:
    champion = page.code(decision.champion[:16]) if decision.champion else "there was none"
    rows = [
        ("challenger", page.code(decision.challenger[:16])),
        ("champion", champion),
        ("data", page.code(decision.data_hash[:16])),
        ("holdout", f"{decision.holdout}, {decision.rows:,} rows"),
    ]
    return page.table(("what", "which"), rows)
