"""The page of one run: what happened, when, with which data, and what came of it.

It is a function of the Workflow object and what the steps left behind, so a run here and a run on
a cluster get the same page.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tiphys import page
from tiphys.report import graph
from tiphys.report.rows import Row, entry_template, moment, rows

_BODY = re.compile(r"<main>\n?(.*)</main>", re.DOTALL)
_SMALL_BYTES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An HTML or JSON artifact that a step left: *text* is its content."""

    node: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One logged value of a metric; *step* counts the values where the step gave no number."""

    node: str
    """The display name of the pod that logged it."""
    name: str
    step: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What belongs to a run beside its Workflow object."""

    documents: Sequence[Document] = ()
    points: Sequence[Point] = field(default_factory=tuple)


def run_page(workflow: Mapping[str, Any], material: Material, now: datetime) -> str:
    """Return the page as one HTML document."""
    steps = rows(workflow)
    status = workflow.get("status") or {}
    phase = str(status.get("phase") or "Pending")
    name = str(workflow["metadata"]["name"])
    return page.page(
        name,
        page.figures(list(_figures(workflow, steps, now))),
        page.section("Steps", graph.graph(_top(steps), _edges(workflow), now)),
        page.section("When", graph.timeline(steps, now)),
        *_curves(material.points, steps),
        *_reports(material.documents, steps),
        page.section("Attempts", _attempts(steps, now)),
        page.section("Lineage", _lineage(workflow, material.documents)),
        lead=_title(workflow),
        badge=page.badge(phase, graph.TONES.get(phase, "neutral")),
    )


def _title(workflow: Mapping[str, Any]) -> str:
    annotations = workflow["metadata"].get("annotations") or {}
    stored = (workflow.get("status") or {}).get("storedWorkflowTemplateSpec") or {}
    own = (stored.get("workflowMetadata") or {}).get("annotations") or {}
    title = "workflows.argoproj.io/title"
    return str(annotations.get(title) or own.get(title) or "")


def _top(steps: Sequence[Row]) -> list[Row]:
    return [row for row in steps if row.depth == 0]


def _edges(workflow: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return which step depends on which, for the entrypoint's template."""
    template = entry_template(workflow)
    if template.get("steps"):
        groups = [[call["name"] for call in group] for group in template["steps"]]
        before = [[], *groups[:-1]]
        return {
            name: list(previous)
            for group, previous in zip(groups, before, strict=True)
            for name in group
        }
    tasks = (template.get("dag") or {}).get("tasks") or ()
    names = {task["name"] for task in tasks}
    edges = {}
    for task in tasks:
        words = re.findall(r"[\w-]+", task.get("depends", ""))
        edges[task["name"]] = [n for n in [*words, *task.get("dependencies", ())] if n in names]
    return edges


def _figures(
    workflow: Mapping[str, Any], steps: Sequence[Row], now: datetime
) -> Iterator[page.Figure]:
    status = workflow.get("status") or {}
    started = moment(status.get("startedAt"))
    if started:
        elapsed = (moment(status.get("finishedAt")) or now) - started
        yield page.Figure(label="Duration", value=graph.seconds(elapsed))
    done = sum(row.phase == "Succeeded" for row in _top(steps))
    yield page.Figure(label="Steps", value=f"{done} of {len(_top(steps))}")
    for row in steps:
        if verdict := row.outputs.get("verdict"):
            tone: page.Tone = "good" if verdict == "pass" else "warn"
            yield page.Figure(label="Verdict", value=verdict, tone=tone, note=row.name)
        if version := row.outputs.get("version"):
            yield page.Figure(label="Model", value=version[:12], note=row.name)
    retried = sum(max(len(row.attempts) - 1, 0) for row in steps)
    if retried:
        yield page.Figure(label="Retries", value=retried, tone="warn")


def _curves(points: Sequence[Point], steps: Sequence[Row]) -> Iterator[page.Markup]:
    names = {attempt.name: row.name for row in steps for attempt in row.attempts}
    series: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for one in points:
        series.setdefault((one.node, one.name), []).append((one.step, one.value))
    charts = [
        page.line_chart(
            [page.Series(name=name, points=values)], x="step", y=f"{names.get(node, node)}: {name}"
        )
        for (node, name), values in series.items()
        if len(values) > 1
    ]
    if charts:
        yield page.section("Curves", *charts)


def _reports(documents: Sequence[Document], steps: Sequence[Row]) -> Iterator[page.Markup]:
    """Yield the HTML artifacts: pages of our own make are taken in whole."""
    names = {attempt.node: row.name for row in steps for attempt in row.attempts}
    for one in documents:
        body = _BODY.search(one.text)
        if body and len(one.text) < _SMALL_BYTES:
            heading = f"{names.get(one.node, one.node)}: {one.name}"
            whole = page.element(
                "details", page.element("summary", heading), page.Markup(body[1]), open="open"
            )
            yield page.element("section", whole)


def _attempts(steps: Sequence[Row], now: datetime) -> page.Markup:
    lines = [
        (
            row.name,
            number,
            page.badge(attempt.phase, graph.TONES.get(attempt.phase, "neutral")),
            graph.seconds((attempt.finished or now) - attempt.started) if attempt.started else "",
            _mebibytes(attempt.memory_bytes),
            row.requests.get("memory", ""),
            attempt.cpu_seconds,
            " → ".join(filter(None, (attempt.message, attempt.decision))),
        )
        for row in steps
        for number, attempt in enumerate(row.attempts, start=1)
    ]
    head = ["step", "attempt", "phase", "time", "peak memory", "request", "CPU s", "message"]
    return page.table(head, lines)


def _mebibytes(count: int | None) -> str:
    return "" if count is None else f"{count / 2**20:.0f} MiB"


def _lineage(workflow: Mapping[str, Any], documents: Sequence[Document]) -> page.Markup:
    """Return what went into the run, and what the exit handler recorded of it."""
    facts: dict[str, str] = {}
    for key, value in (workflow["metadata"].get("labels") or {}).items():
        facts[key] = str(value)
    spec = workflow["spec"]
    for parameter in (spec.get("arguments") or {}).get("parameters") or ():
        facts[parameter["name"]] = str(parameter.get("value", ""))
    for one in documents:
        if one.name == "lineage":
            facts.update(_flat(json.loads(one.text)))
    lines = [(name, page.code(value)) for name, value in facts.items()]
    return page.table(["what", "which"], lines)


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    if not isinstance(value, dict):
        shown = value if isinstance(value, str) else json.dumps(value)
        return {prefix: shown}
    found: dict[str, str] = {}
    for key, inner in value.items():
        found.update(_flat(inner, f"{prefix}.{key}" if prefix else str(key)))
    return found
