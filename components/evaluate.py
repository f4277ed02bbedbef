"""May the new model replace the champion? A refusal is a result: the step ends well either way."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa

from tiphys.ml import tabular
from tiphys.ml.data import Pin
from tiphys.ml.gate import latency, metrics
from tiphys.ml.gate import report as pages
from tiphys.ml.gate import spec as specs
from tiphys.ml.gate.decision import Decision
from tiphys.ml.gate.metrics import Vector
from tiphys.ml.gate.report import Curves
from tiphys.ml.gate.spec import Spec
from tiphys.ml.gate.verdict import Evidence, Measured, judge
from tiphys.ml.registry import Registry
from tiphys.ml.serving.model import Model
from tiphys.step import Output, metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the gate said."""

    passed: bool
    """Whether the challenger may be deployed."""
    verdict: Literal["pass", "fail"]
    champion: str
    """Content hash of the model it was compared with; "" for a first model."""
    summary: str
    """One sentence with the numbers."""


def evaluate(
    *,
    challenger: Path,
    data: Path,
    dataset: Pin,
    holdout: str,
    registry: str,
    spec: str = "gate/flights.yaml",
    decision: Annotated[Path, Output(view="json")],
    report: Annotated[Path, Output(view="html")],
) -> Evaluation:
    """Compare the challenger with the champion on the holdout month, by the rules of a spec.

    Args:
        challenger: the model artifact to judge
        data: the folder of parquet files, one a month
        dataset: the pin of that data, which the decision names
        holdout: the month to judge on
        registry: URL of the registry that knows the champion
        spec: the rules, a file of the project
        decision: what a deployment must show
        report: the same for people
    """
    rules = specs.load(Path(spec))
    models = {"challenger": Model.load(challenger)}
    if champion := _champion(registry, rules.model):
        models["champion"] = champion
    label = models["challenger"].package.label
    columns = {each.name for model in models.values() for each in model.package.inputs}
    rows = tabular.read(data, [holdout], sorted(columns | {label}))
    labels = tabular.labels(rows, label).astype(np.float64)
    said = {name: _probabilities(model, rows) for name, model in models.items()}
    measured = {
        name: Measured(hash=model.version, metrics=metrics.measure(labels, said[name]))
        for name, model in models.items()
    }
    evidence = Evidence(
        challenger=measured["challenger"],
        champion=measured.get("champion"),
        p95_ms=_p95_ms(rules, models["challenger"], rows),
        size_mb=sum(each.stat().st_size for each in challenger.rglob("*")) / 1e6,
        data_hash=dataset.md5,
        holdout=holdout,
        rows=len(labels),
    )
    judged = judge(rules, evidence)
    _log(judged, evidence)
    curves = {name: Curves.of(labels, each) for name, each in said.items()}
    decision.write_bytes(judged.encode())
    report.write_text(pages.render(judged, curves), encoding="utf-8")
    return Evaluation(
        passed=judged.passed,
        verdict=judged.verdict,
        champion=judged.champion,
        summary=judged.summary,
    )


def _champion(registry: str, name: str) -> Model | None:
    known = Registry.open(registry)
    entry = known.get(name, "champion")
    if entry is None:
        return None
    with TemporaryDirectory() as directory:
        return Model.load(known.fetch(name, entry.version, Path(directory, "champion")))


def _probabilities(model: Model, rows: pa.Table) -> Vector:
    (output,) = model.package.outputs
    answer = model.run(model.package.feeds(rows))[output.name]
    return answer.reshape(-1).astype(np.float64)


def _p95_ms(rules: Spec, model: Model, rows: pa.Table) -> float | None:
    if rules.latency is None:
        return None
    feeds = model.package.feeds(rows.slice(0, rules.latency.batch))
    return latency.p95_ms(lambda: model.run(feeds), rules.latency)


def _log(judged: Decision, evidence: Evidence) -> None:
    for who, values in judged.metrics.items():
        for name, value in values.items():
            metric(name if who == "challenger" else f"{who}.{name}", value)
    if evidence.p95_ms is not None:
        metric("p95_ms", evidence.p95_ms)
    for check in judged.checks:
        print(f"{check.verdict}  {check.name}: {check.reason}")  # noqa: T201 - the log of the step
    print(f"{judged.verdict}: {judged.summary}")  # noqa: T201
