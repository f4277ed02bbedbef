"""What Prometheus hears of a run from Argo's controller: named once, for every pipeline.

A metric is the same in every workflow that emits it, or the controller refuses it: so its help has
nothing of one pipeline, and the labels tell them apart. No label holds a run's name: each value of
a label is a time series that the controller keeps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tiphys.author.document import Json
from tiphys.author.faults import UnknownReferenceError
from tiphys.step import forms
from tiphys.step.signature import METRICS, Result, Signature

_SECONDS = (10, 30, 60, 300, 900, 3600, 14400, 86400)
"""Upper ends of the buckets, from a step of seconds to a day of training."""

_SUCCEEDED = "{{status}} == Succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """The last value of a number that the step logged with `metric`."""

    name: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often a returned field had each of its values: a `Literal`, an `Enum` or a `bool`."""

    field: str
    help: str


Metric = Gauge | Count


def of_step(pipeline: str, template: str, metrics: Sequence[Metric], signature: Signature) -> Json:
    """Return the `metrics` of a template: how long it took, and what it says of itself.

    Raises:
        UserError: a count is of a field that is not there or has no fixed set of values.
    """
    labels = {"pipeline": pipeline, "step": template}
    found: list[Json] = [
        {
            "name": "tiphys_step_duration_seconds",
            "help": "Seconds a step took, by how it ended; attempts tried again count too.",
            "labels": _labels({**labels, "status": "{{status}}"}),
            "histogram": {"value": "{{duration}}", "buckets": list(_SECONDS)},
        }
    ]
    for metric in metrics:
        match metric:
            case Gauge():
                found.append(_gauge(metric, labels))
            case Count():
                _closed(metric.field, signature)
                found.append(_count(metric, labels))
    return {"prometheus": found}


def of_workflow(pipeline: str) -> Json:
    """Return the `metrics` of a workflow: how it ended, and how long it took."""
    labels = _labels({"pipeline": pipeline, "status": "{{workflow.status}}"})
    return {
        "prometheus": [
            {
                "name": "tiphys_runs_total",
                "help": "Runs that have ended, by how.",
                "labels": labels,
                "counter": {"value": "1"},
            },
            {
                "name": "tiphys_run_duration_seconds",
                "help": "Seconds from the start of a run to its end.",
                "labels": labels,
                "histogram": {"value": "{{workflow.duration}}", "buckets": list(_SECONDS)},
            },
        ]
    }


def closed(type_: Any) -> list[str]:
    """Return the texts of all values of *type_*, or nothing where there is no end of them.

    >>> closed(bool), closed(int)
    (['true', 'false'], [])
    """
    if type_ is bool:
        return ["true", "false"]
    form = forms.form(type_)
    return list(form.values) if isinstance(form, forms.Choices) else []


def _gauge(metric: Gauge, labels: Json) -> Json:
    path = f"$.{metric.name}" if metric.name.isidentifier() else f'$["{metric.name}"]'
    value = f"jsonpath(outputs.parameters.{METRICS}, '{path}')"
    return {
        "name": f"tiphys_{_word(metric.name)}",
        "help": metric.help,
        "labels": _labels(labels),
        "when": _SUCCEEDED,
        "gauge": {"value": "{{=" + value + "}}", "realtime": False},
    }


def _count(metric: Count, labels: Json) -> Json:
    value = f"{{{{outputs.parameters.{metric.field}}}}}"
    return {
        "name": f"tiphys_{_word(metric.field)}_total",
        "help": metric.help,
        "labels": _labels({**labels, _word(metric.field): value}),
        "when": _SUCCEEDED,
        "counter": {"value": "1"},
    }


def _closed(field: str, signature: Signature) -> None:
    known: Iterable[Result] = (found for found in signature.results if closed(found.type))
    names = [found.name for found in known]
    if field not in names:
        raise UnknownReferenceError(signature.entry, "field of a few fixed values", field, names)


def _labels(values: Json) -> list[Json]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _word(name: str) -> str:
    """Return *name* as Prometheus takes it."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)
