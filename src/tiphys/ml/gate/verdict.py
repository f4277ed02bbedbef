"""From rules and measured numbers to a decision.

Every rule is checked, whatever the ones before it said. A number that is none (NaN) passes no
rule. Without a champion there is nothing to compare: only limits count. A challenger that *is*
the champion, byte for byte, cannot be better than itself; it passes the comparisons, because
deploying it changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tiphys.ml.gate.decision import Check, Decision, Verdict
from tiphys.ml.gate.metrics import METRICS
from tiphys.ml.gate.spec import Comparison, Limit, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A model and its numbers on the holdout."""

    hash: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is judged."""

    challenger: Measured
    champion: Measured | None
    p95_ms: float | None = None
    """Measured where the spec limits it."""
    size_mb: float
    data_hash: str
    holdout: str
    rows: int


def judge(spec: Spec, evidence: Evidence) -> Decision:
    """Return the decision that *spec* comes to."""
    checks = tuple(_checks(spec, evidence))
    failed = [check for check in checks if check.verdict == "fail"]
    metrics = {"challenger": dict(evidence.challenger.metrics)}
    if evidence.champion:
        metrics["champion"] = dict(evidence.champion.metrics)
    return Decision(
        verdict="fail" if failed else "pass",
        summary=failed[0].reason if failed else _praise(spec, evidence),
        model=spec.model,
        challenger=evidence.challenger.hash,
        champion=evidence.champion.hash if evidence.champion else "",
        data_hash=evidence.data_hash,
        holdout=evidence.holdout,
        rows=evidence.rows,
        metrics=metrics,
        checks=checks,
    )


def _checks(spec: Spec, evidence: Evidence) -> Iterator[Check]:
    yield _compared(spec.primary, "primary", evidence)
    for guard in spec.guards:
        yield _compared(guard, "guard", evidence)
    for limit in spec.absolute:
        yield _limited(limit, "absolute", evidence.challenger.metrics[limit.metric])
    if spec.latency:
        limit = Limit(metric="p95_ms", maximum=spec.latency.limit_ms)
        yield _limited(limit, "serving", _number(evidence.p95_ms))
    if spec.size_limit_mb is not None:
        yield _limited(
            Limit(metric="size_mb", maximum=spec.size_limit_mb), "serving", evidence.size_mb
        )


def _compared(rule: Comparison, part: str, evidence: Evidence) -> Check:
    value = evidence.challenger.metrics[rule.metric]
    champion = evidence.champion.metrics[rule.metric] if evidence.champion else None
    passes, reason = _comparison(rule, value, evidence)
    return Check(
        name=f"{part} {rule.metric}",
        value=value,
        champion=champion,
        margin=rule.margin,
        verdict=_verdict(passes),
        reason=f"{rule.metric} {value:.4f}: {reason}",
    )


def _comparison(rule: Comparison, value: float, evidence: Evidence) -> tuple[bool, str]:
    champion = evidence.champion
    if champion is None:
        return value == value, "there is no champion to compare with."  # noqa: PLR0124 - NaN is not itself
    if champion.hash == evidence.challenger.hash:
        return True, "this model is the champion, byte for byte."
    theirs = champion.metrics[rule.metric]
    gain = METRICS[rule.metric].gain(value, theirs)
    passes = gain > rule.margin if rule.rule == "superior" else gain >= -rule.margin
    word = "better" if gain >= 0 else "worse"
    asked = "must be better by more than" if rule.rule == "superior" else "may be worse by"
    told = f"{abs(gain):.4f} {word} than the champion's {theirs:.4f}; {asked} {rule.margin:g}."
    return passes, told


def _limited(limit: Limit, part: str, value: float) -> Check:
    low = float("-inf") if limit.minimum is None else limit.minimum
    high = float("inf") if limit.maximum is None else limit.maximum
    bounds = [] if limit.minimum is None else [f"at least {limit.minimum:g}"]
    bounds += [] if limit.maximum is None else [f"at most {limit.maximum:g}"]
    return Check(
        name=f"{part} {limit.metric}",
        value=value,
        verdict=_verdict(low <= value <= high),
        reason=f"{limit.metric} {value:.4f}: must be {' and '.join(bounds)}.",
    )


def _praise(spec: Spec, evidence: Evidence) -> str:
    metric = spec.primary.metric
    value = evidence.challenger.metrics[metric]
    if evidence.champion is None:
        return f"the first model: {metric} {value:.4f}, within all limits."
    if evidence.champion.hash == evidence.challenger.hash:
        return "this model is the champion, byte for byte: nothing changes."
    return f"{metric} {value:.4f}, the champion's is {evidence.champion.metrics[metric]:.4f}."


def _verdict(passes: bool) -> Verdict:  # noqa: FBT001 - the whole of it
    return "pass" if passes else "fail"


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
