"""One reason for each waiting step, in the order of the run's tree."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tiphys.report.rows import rows, templates_of
from tiphys.report.waiting import gangs, locks, order, scheduling, starting
from tiphys.report.waiting.evidence import Evidence, Object, Reason

_NOTHING = Evidence()
_GROUP = re.compile(r"\[\d+\]")
_ONE = re.compile(r"\([^()]*\)$")


def explain(workflow: Object, evidence: Evidence = _NOTHING) -> list[Reason]:
    """Return what each waiting step of a run that has not ended waits for."""
    whole = list(_run(workflow))
    if not (workflow.get("status") or {}).get("nodes"):
        return whole
    templates = templates_of(workflow)
    begun = [
        reason
        for node in workflow["status"]["nodes"].values()
        if (reason := _Node(workflow, node, templates).reason(evidence))
    ]
    found = [*begun, *order.unbegun(workflow, templates)]
    found += _deferred(workflow, evidence, {reason.step for reason in found})
    return [*whole, *(_located(workflow, reason) for reason in _in_order(workflow, found))]


def _located(workflow: Object, reason: Reason) -> Reason:
    """Return *reason*; a command in its advice looks where the run is."""
    namespace = workflow["metadata"].get("namespace")
    where = f"kubectl -n {namespace} " if namespace else "kubectl "
    return replace(reason, advice=reason.advice.replace("kubectl ", where))


def _deferred(workflow: Object, evidence: Evidence, known: Collection[str]) -> Iterator[Reason]:
    """Yield calls that wait without a node, as they do here, and that nothing else tells."""
    for name, kind in evidence.deferred.items():
        step = path(workflow, {"name": name})
        if step not in known:
            found = "a lock that another step has" if kind == "lock" else "a step to end"
            yield Reason(step=step, kind=kind, found=found)


def _in_order(workflow: Object, reasons: Iterable[Reason]) -> list[Reason]:
    """Return *reasons* in the order of the manifest; attempts and items stand with their step."""
    place = {row.name: number for number, row in enumerate(rows(workflow))}

    def key(reason: Reason) -> int:
        name = reason.step.rpartition(".")[2]
        return place.get(name, place.get(_ONE.sub("", name), len(place)))

    return sorted(reasons, key=key)


def _run(workflow: Object) -> Iterator[Reason]:
    """Yield why the run as a whole does not go on."""
    name, status = workflow["metadata"]["name"], workflow.get("status") or {}
    if workflow["spec"].get("suspend"):
        found = "somebody to resume it: the run is suspended, and nothing new begins"
        yield Reason(step="", kind="suspended", found=found, advice=f"tiphys resume {name}")
    if not status.get("phase"):
        found = "the controller, which has not looked at it yet"
        advice = "If that lasts, is the workflow controller running?"
        yield Reason(step="", kind="starting", found=found, advice=advice)
    elif lock := locks.of_run(workflow):
        yield lock
    elif status["phase"] == "Pending" and status.get("message"):
        yield _postponed(str(status["message"]))


def _postponed(message: str) -> Reason:
    if "too many workflows" in message:
        return Reason(
            step="",
            kind="parallelism",
            found="other runs to end: the cluster runs only so many at once",
            advice="`tiphys list` shows them; the limit is `parallelism` of Argo's controller.",
        )
    return Reason(step="", kind="starting", found=message)


class _Node:
    """One node of the run, and what it was made from."""

    def __init__(self, workflow: Object, node: Object, templates: Mapping[str, Object]) -> None:
        self.workflow, self.node = workflow, node
        self.template = templates.get(order.template_name(node), {})
        self.message = str(node.get("message") or "")
        self.step = path(workflow, node)

    def reason(self, evidence: Evidence) -> Reason | None:
        """Return why it waits; None if it does not."""
        phase, kind = self.node.get("phase"), self.node["type"]
        if phase not in {"Pending", "Running"}:
            return None
        if lock := locks.of_node(self.workflow, self.node, self.step):
            return lock
        if kind == "Suspend":
            return self._approval()
        if kind == "Retry" and self.message.startswith("Backoff for"):
            return self._back_off()
        if kind == "Pod" and phase == "Pending":
            return self._pod(evidence)
        return self._gang(evidence) if kind == "Pod" else None

    def _approval(self) -> Reason:
        name, wait = self.workflow["metadata"]["name"], (self.template.get("suspend") or {})
        duration = wait.get("duration")
        found = f"{duration} to pass" if duration else "somebody to let it go on"
        return Reason(step=self.step, kind="suspended", found=found, advice=f"tiphys resume {name}")

    def _back_off(self) -> Reason:
        nodes = self.workflow["status"]["nodes"]
        attempts = [nodes[one] for one in self.node.get("children") or () if one in nodes]
        since = attempts[-1].get("finishedAt") if attempts else ""
        why = attempts[-1].get("message") if attempts else ""
        wait = self.message.removeprefix("Backoff for ")
        found = f"its next attempt: {wait} after {since} ({why})"
        return Reason(step=self.step, kind="back-off", found=found)

    def _pod(self, evidence: Evidence) -> Reason | None:
        if evidence.slots is not None and not self.message:
            found = f"a free place: {evidence.slots} attempts run at once on this machine"
            return Reason(step=self.step, kind="capacity", found=found)
        pod = next((pod for pod in evidence.pods or () if self._is(pod)), None)
        message = self.message
        if unscheduled := _unscheduled(pod):
            message = scheduling.PREFIX + unscheduled
        if message.startswith(scheduling.PREFIX):
            wanted = scheduling.wish(pod["spec"] if pod else self._inherited())
            return scheduling.explain(self.step, message, wanted, evidence.nodes)
        events = self._events(pod, evidence.events)
        known = starting.explain(self.step, message, events)
        return known or Reason(step=self.step, kind="starting", found=message)

    def _events(
        self, pod: Object | None, events: Sequence[Object] | None
    ) -> Sequence[Object] | None:
        """Return the events of its pod, whether or not that could be looked at."""
        if pod is not None or events is None:
            return _of(pod, events)
        return [one for one in events if self._is({"metadata": one["involvedObject"]})]

    def _gang(self, evidence: Evidence) -> Reason | None:
        """Return why the gang that this step has made is not complete."""
        for pod in gangs.pods(self.node, evidence):
            step = f"{self.step}, its gang"
            if said := _unscheduled(pod):
                wanted = scheduling.wish(pod["spec"])
                return scheduling.explain(step, scheduling.PREFIX + said, wanted, evidence.nodes)
            own = _of(pod, evidence.events)
            if reason := starting.explain(step, gangs.message(pod), own):
                return reason
        return None

    def _is(self, pod: Object) -> bool:
        """Whether *pod* is this node's: both end in the hash of the node's name (rule 4)."""
        name, identity = str(pod["metadata"]["name"]), str(self.node["id"])
        return name.rpartition("-")[2] == identity.rpartition("-")[2] or name == identity

    def _inherited(self) -> Object:
        """Return the template with what it takes from the workflow (rule 60)."""
        spec = self.workflow["spec"]
        given = {key: spec[key] for key in ("nodeSelector", "tolerations") if spec.get(key)}
        return {**given, **self.template}


def _of(pod: Object | None, events: Sequence[Object] | None) -> Sequence[Object] | None:
    """Return those of *events* that are about *pod*."""
    if pod is None or events is None:
        return events
    name = pod["metadata"]["name"]
    return [one for one in events if one["involvedObject"]["name"] == name]


def _unscheduled(pod: Object | None) -> str:
    """Return what the scheduler says of *pod*, "" if it has a node."""
    conditions = (pod or {}).get("status", {}).get("conditions") or ()
    for condition in conditions:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message") or "")
    return ""


def path(workflow: Object, node: Object) -> str:
    """Return the name of a node without that of its run and without groups of steps."""
    name = workflow["metadata"]["name"]
    inside = _GROUP.sub("", str(node["name"]).removeprefix(name)).lstrip(".")
    return inside or str(node.get("displayName", ""))
