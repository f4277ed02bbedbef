"""The gate's rules, as a file under version control says them.

```yaml
model: flights                                        # its name in the registry
primary:  {metric: log_loss, direction: lower, rule: superior}
guards:
- {metric: roc_auc, rule: non_inferior, margin: 0.005}
absolute: {roc_auc: {min: 0.60}, log_loss: {max: 0.65}}   # all there is for a first model
serving:  {p95_ms: {max: 20, batch: 1, warmup: 50, runs: 300}, size_mb: {max: 200}}
```
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from tiphys.ml.gate.metrics import METRICS
from tiphys.ml.gate.reading import Section, SpecError, document

Rule = Literal["superior", "non_inferior"]

LATER = ("slices", "fairness", "data", "on_pass")
"""Top-level fields that a later release will know; so that nobody believes them checked now."""
LATER_HERE = ("alpha", "bootstrap", "at_threshold", "correction")
LATER_SERVING = ("rss_mb", "agree_with_fp32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A metric of the challenger beside the champion's."""

    metric: str
    rule: Rule
    """`superior`: better by more than *margin*; `non_inferior`: worse by no more than it."""
    margin: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Bounds of a metric that hold whoever is champion; None does not bound."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long one answer may take."""

    limit_ms: float
    """Of the 95th percentile."""
    batch: int = 1
    """Rows a request."""
    warmup: int = 50
    """Requests that are not counted."""
    runs: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The rules of one gate."""

    model: str
    primary: Comparison
    guards: tuple[Comparison, ...] = ()
    absolute: tuple[Limit, ...] = ()
    latency: Latency | None = None
    size_limit_mb: float | None = None
    """Of all files of the model; 1 MB = 1,000,000 bytes."""


def load(path: Path) -> Spec:
    """Return the spec in *path*. Raises: SpecError: with all that is wrong in it."""
    top = document(path)
    model = top.text("model")
    primary = _primary(top)
    guards = tuple(_comparison(each) for each in top.sections("guards"))
    absolute = _absolute(top)
    latency, size = _serving(top)
    top.close({"model", "primary", "guards", "absolute", "serving"}, LATER)
    if top.problems:
        raise SpecError(sorted(top.problems, key=_place))
    return Spec(
        model=model,
        primary=primary,
        guards=guards,
        absolute=absolute,
        latency=latency,
        size_limit_mb=size,
    )


def _primary(top: Section) -> Comparison:
    section = top.section("primary")
    if section is None:
        top.complain(top.node, 'the spec has no "primary": the metric that decides.')
        return Comparison(metric="", rule="superior")
    at = section.fields.get("direction", (section.node, section.node))[1]
    direction = section.choice("direction", {"lower", "higher"})
    comparison = _comparison(section)
    natural = METRICS[comparison.metric].direction if comparison.metric else direction
    if direction and direction != natural:
        section.complain(at, f"{comparison.metric} is better {natural}, not {direction}.")
    return comparison


def _comparison(section: Section) -> Comparison:
    metric = section.choice("metric", METRICS)
    rule = section.choice("rule", {"superior", "non_inferior"})
    margin = section.number("margin", 0.0) or 0.0
    section.close({"metric", "direction", "rule", "margin"}, LATER_HERE)
    return Comparison(metric=metric, rule=cast("Rule", rule or "superior"), margin=margin)


def _absolute(top: Section) -> tuple[Limit, ...]:
    section = top.section("absolute")
    limits: list[Limit] = []
    if section is None:
        return ()
    for metric in list(section.fields):
        if metric in METRICS and (bounds := section.section(metric)):
            limit = Limit(metric=metric, minimum=bounds.number("min"), maximum=bounds.number("max"))
            if limit.minimum is None and limit.maximum is None:
                bounds.complain(bounds.node, f"{metric} needs a `min` or a `max`.")
            bounds.close({"min", "max"})
            limits.append(limit)
    section.close(METRICS)
    return tuple(limits)


def _serving(top: Section) -> tuple[Latency | None, float | None]:
    section = top.section("serving")
    if section is None:
        return None, None
    latency, size = None, None
    if p95 := section.section("p95_ms"):
        latency = Latency(
            limit_ms=_maximum(p95),
            batch=p95.count("batch", 1),
            warmup=p95.count("warmup", 50),
            runs=p95.count("runs", 300),
        )
        p95.close({"max", "batch", "warmup", "runs"})
    if size_mb := section.section("size_mb"):
        size = _maximum(size_mb)
        size_mb.close({"max"})
    section.close({"p95_ms", "size_mb"}, LATER_SERVING)
    return latency, size


def _maximum(section: Section) -> float:
    maximum = section.number("max")
    if maximum is None:
        section.complain(section.node, f'{section.title} has no "max".')
    return maximum or 0.0


def _place(problem: str) -> tuple[int, int]:
    _, line, column, _ = problem.split(":", 3)
    return int(line), int(column)
