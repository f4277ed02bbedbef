"""A Workflow object as the lines a person reads: one a step, in the order of the manifest.

The object is what `kubectl get workflow -o json` prints, from our engine or from Argo. Steps that
have no node yet are taken from the templates, so the whole way is visible from the start.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tiphys.engine import naming
from tiphys.engine.status import nodes as nodes_of
from tiphys.report import decisions

LEAVES = frozenset({"Pod", "Skipped"})

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One pod of a step. `memory_bytes` is its peak; None where nobody measured."""

    node: str
    name: str
    """The pod's display name: `train`, or `train(1)` where it was retried."""
    phase: str
    message: str
    started: datetime | None
    finished: datetime | None
    memory_bytes: int | None
    cpu_seconds: float | None
    host: str
    exit_code: int | None = None
    decision: str = ""
    """Whether it was tried again, and why; "" where its template does not tell its policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step. `phase` is "" for a step that has no node yet."""

    depth: int
    name: str
    phase: str
    node: str = ""
    type: str = ""
    template: str = ""
    when: str = ""
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    progress: tuple[int, int] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    requests: Mapping[str, str] = field(default_factory=dict)
    retries: str = ""
    """For which failures it is tried again, and how often; "" where nobody says."""

    def duration(self, now: datetime) -> timedelta | None:
        """Return how long the step has run at *now*; None before its start."""
        return None if self.started is None else (self.finished or now) - self.started


def rows(workflow: Object) -> tuple[Row, ...]:
    """Return the steps of *workflow*, the exit handler last."""
    return tuple(_Tree(workflow).walk())


def entry_template(workflow: Object) -> Object:
    """Return the template the run starts with; an empty one if it is not to be found."""
    return _Tree(workflow).entry


def templates_of(workflow: Object) -> Mapping[str, Object]:
    """Return every template that a node of *workflow* may be made from, by its name."""
    return _Tree(workflow).templates


def moment(text: str | None) -> datetime | None:
    """Return an RFC 3339 time as an aware datetime; None for none.

    >>> moment("2026-01-02T03:04:05Z").minute
    4
    """
    return datetime.fromisoformat(text) if text else None


class _Tree:
    def __init__(self, workflow: Object) -> None:
        self.status: Object = workflow.get("status") or {}
        made = nodes_of(workflow)
        self.nodes: Mapping[str, Object] = {
            identity: {**node, "displayName": naming.known_as(node, made)}
            for identity, node in made.items()
        }
        stored = self.status.get("storedWorkflowTemplateSpec") or {}
        self.spec: Object = {**stored, **workflow["spec"]}
        self.templates: Mapping[str, Object] = {
            one["name"]: one for one in self._all_templates(stored)
        }
        self.entry: Object = self.templates.get(self.spec.get("entrypoint", ""), {})
        self.name: str = workflow["metadata"].get("name", "")
        self.inside: dict[str, list[Object]] = {}
        for node in self.nodes.values():
            self.inside.setdefault(node.get("boundaryID", ""), []).append(node)

    def _all_templates(self, stored: Object) -> Iterator[Object]:
        yield from stored.get("templates") or ()
        yield from self.spec.get("templates") or ()
        yield from (self.status.get("storedTemplates") or {}).values()

    def walk(self) -> Iterator[Row]:
        root = next((n for n in self.nodes.values() if n["name"] == self.name), None)
        if root is not None and not _calls(self.entry):
            yield self._row(root, 0, {})
        else:
            yield from self._children(root, self.entry, 0)
        for node in self.nodes.values():
            if node["name"] == f"{self.name}.onExit":
                yield from self._node(node, 0, {"name": "onExit"})

    def _children(self, parent: Object | None, template: Object, depth: int) -> Iterator[Row]:
        boundary = self._boundary(parent) if parent else ""
        made = {n["displayName"]: n for n in self.inside.get(boundary, ())} if boundary else {}
        for call in _calls(template):
            node = made.get(call["name"])
            if node is not None:
                yield from self._node(node, depth, call)
            elif loop := [n for name, n in made.items() if name.startswith(call["name"] + "(")]:
                yield Row(depth=depth, name=call["name"], phase=_common_phase(loop))
                for child in sorted(loop, key=_by_index):
                    yield from self._node(child, depth + 1, {})
            else:
                yield Row(depth=depth, name=call["name"], phase="", when=call.get("when", ""))

    def _boundary(self, node: Object) -> str:
        """Return the id that the children of *node* name as boundary: its last attempt's."""
        return str(self._last(node)["id"])

    def _last(self, node: Object) -> Object:
        if node["type"] != "Retry" or not node.get("children"):
            return node
        return self.nodes.get(node["children"][-1], node)

    def _node(self, node: Object, depth: int, call: Object) -> Iterator[Row]:
        yield self._row(node, depth, call)
        if node["type"] == "TaskGroup":
            children = [self.nodes[c] for c in node.get("children", ()) if c in self.nodes]
            inside = [c for c in children if c["name"].startswith(node["name"] + "(")]
            for child in sorted(inside, key=_by_index):
                yield from self._node(child, depth + 1, {})
            return
        last = self._last(node)
        template = self.templates.get(_template_name(last), {})
        if last["type"] in {"DAG", "Steps"}:
            yield from self._children(node, template, depth + 1)

    def _row(self, node: Object, depth: int, call: Object) -> Row:
        last = self._last(node)
        template = self.templates.get(_template_name(last), {})
        resources = (template.get("container") or template.get("script") or {}).get("resources", {})
        return Row(
            depth=depth,
            name=node["displayName"].removeprefix(self.name + "."),
            phase=node.get("phase", ""),
            node=node["id"],
            type=node["type"],
            template=_template_name(last),
            when=call.get("when", ""),
            message=node.get("message") or last.get("message") or "",
            started=moment(node.get("startedAt")),
            finished=moment(node.get("finishedAt")),
            attempts=tuple(self._attempts(node, template)),
            progress=_progress(last.get("progress", "")),
            metrics=_metrics(last),
            outputs=_outputs(node),
            requests=resources.get("requests", {}),
            retries=decisions.policies(template),
        )

    def _attempts(self, node: Object, template: Object) -> Iterator[Attempt]:
        named = node.get("children", ()) if node["type"] == "Retry" else [node["id"]]
        found = [self.nodes[one] for one in named if one in self.nodes]
        pods = [pod for pod in found if pod["type"] in LEAVES]
        ended = node.get("phase") in {"Failed", "Error"}
        ending = str(node.get("message") or "") if ended else None
        for pod, decision in zip(pods, decisions.told(template, pods, ending), strict=True):
            yield _attempt(pod, decision)


def _attempt(pod: Object, decision: str) -> Attempt:
    usage = pod.get("usage") or {}
    code = (pod.get("outputs") or {}).get("exitCode")
    return Attempt(
        node=pod["id"],
        name=pod["displayName"],
        phase=pod.get("phase", ""),
        message=pod.get("message", ""),
        started=moment(pod.get("startedAt")),
        finished=moment(pod.get("finishedAt")),
        memory_bytes=usage.get("peakMemoryBytes"),
        cpu_seconds=usage.get("cpuSeconds"),
        host=pod.get("hostNodeName", ""),
        exit_code=None if code is None else int(code),
        decision=decision,
    )


def _template_name(node: Object) -> str:
    reference = node.get("templateRef") or {}
    return str(node.get("templateName") or reference.get("template") or "")


def _calls(template: Object) -> list[Object]:
    """Return the calls of a dag (dependencies first) or steps template."""
    if template.get("steps"):
        return [call for group in template["steps"] for call in group]
    return list((template.get("dag") or {}).get("tasks") or ())


def _by_index(node: Object) -> int:
    inside = node["displayName"].rpartition("(")[2]
    number = inside.partition(":")[0]
    return int(number) if number.isdigit() else 0


def _common_phase(nodes: list[Object]) -> str:
    phases = {node.get("phase", "") for node in nodes}
    for worst in ("Running", "Pending", "Error", "Failed", "Succeeded"):
        if worst in phases:
            return worst
    return str(next(iter(phases)))


def _progress(text: str) -> tuple[int, int] | None:
    done, slash, total = text.partition("/")
    if not slash or (done, total) in {("0", "1"), ("1", "1")}:  # Argo's own count of pods
        return None
    return int(done), int(total)


def _outputs(node: Object) -> dict[str, str]:
    given = (node.get("outputs") or {}).get("parameters") or ()
    return {p["name"]: p["value"] for p in given if p["name"] != "metrics" and "value" in p}


def _metrics(node: Object) -> dict[str, float]:
    """Return the latest metrics: live ones, else those the step left behind as an output."""
    if node.get("metrics"):
        return dict(node["metrics"])
    for parameter in (node.get("outputs") or {}).get("parameters") or ():
        if parameter["name"] == "metrics" and parameter.get("value", "").startswith("{"):
            return dict(json.loads(parameter["value"]))
    return {}
