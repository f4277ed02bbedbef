"""Steps that have no node yet: what has to end, or to be allowed, before they are begun."""

import re
from collections.abc import Iterator, Mapping, Sequence

from tiphys.report.waiting import locks
from tiphys.report.waiting.evidence import Object, Reason

_NAME = re.compile(r"([A-Za-z0-9_][\w-]*)(?:\.\w+)?")
_BEGUN = {"Pending", "Running"}
_OVER = {"Succeeded", "Failed", "Error", "Skipped", "Omitted"}


def unbegun(workflow: Object, templates: Mapping[str, Object]) -> Iterator[Reason]:
    """Yield why each step that is not begun is not, inside of whatever runs."""
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    inside: dict[str, list[Object]] = {}
    for node in nodes.values():
        inside.setdefault(node.get("boundaryID", ""), []).append(node)
    for node in nodes.values():
        if node.get("phase") not in _BEGUN or node["type"] not in {"DAG", "Steps"}:
            continue
        made = {n["displayName"]: n for n in inside.get(node["id"], ())}
        where = _Place(workflow, templates, node, made)
        yield from where.tasks() if node["type"] == "DAG" else where.steps()


def template_name(node: Object) -> str:
    """Return the name of the template that a node was made from."""
    reference = node.get("templateRef") or {}
    return str(node.get("templateName") or reference.get("template") or "")


class _Place:
    """A running DAG or Steps node with what has been made in it."""

    def __init__(
        self,
        workflow: Object,
        templates: Mapping[str, Object],
        node: Object,
        made: Mapping[str, Object],
    ) -> None:
        self.workflow, self.templates, self.made = workflow, templates, made
        self.template = templates.get(template_name(node), {})
        self.path = str(node["name"]).partition(".")[2]

    def tasks(self) -> Iterator[Reason]:
        for task in (self.template.get("dag") or {}).get("tasks") or ():
            name = str(task["name"])
            if name not in self.made:
                needs = [one for one in depends_on(task) if not self._over(one)]
                yield self._after(task, needs)

    def steps(self) -> Iterator[Reason]:
        before: list[str] = []
        for group in self.template.get("steps") or ():
            for step in group:
                if not self._made(str(step["name"])):
                    yield self._after(step, before)
            names = [str(step["name"]) for step in group]
            before = [name for name in names if not self._over(name)]

    def _made(self, name: str) -> list[Object]:
        """Return the node of a call, or those of a loop of steps."""
        return [n for made, n in self.made.items() if made == name or made.startswith(f"{name}(")]

    def _over(self, name: str) -> bool:
        found = self._made(name)
        return bool(found) and all(node.get("phase") in _OVER for node in found)

    def _after(self, call: Object, needs: Sequence[str]) -> Reason:
        inside = re.sub(r"\[\d+\]\.?", "", self.path)
        step = ".".join(filter(None, [inside, str(call["name"])]))
        if needs:
            return Reason(step=step, kind="dependency", found=f"{listed(needs)} to end")
        if self.workflow["spec"].get("suspend"):
            return Reason(step=step, kind="suspended", found="the run to be resumed")
        called = self.templates.get(str(call.get("template") or template_name(call)), {})
        return self._limit(step) or locks.of_template(called, step) or _soon(step)

    def _limit(self, step: str) -> Reason | None:
        own, whole = self.template.get("parallelism"), self.workflow["spec"].get("parallelism")
        busy = [name for name, node in self.made.items() if node.get("phase") in _BEGUN]
        busy = [name for name in busy if not name.startswith("[")]
        if own is not None and len(busy) >= int(own):
            found = f"{listed(busy)} to end: {template_limit(self.template)}"
            advice = "Raise the template's `parallelism` if more may run at once."
            return Reason(step=step, kind="parallelism", found=found, advice=advice)
        if whole is not None and _active_pods(self.workflow) >= int(whole):
            found = f"a pod to end: `spec.parallelism` is {whole}"
            advice = "Raise the workflow's `parallelism` if more may run at once."
            return Reason(step=step, kind="parallelism", found=found, advice=advice)
        return None


def _active_pods(workflow: Object) -> int:
    """Return how many pods `spec.parallelism` counts: none that still waits for a lock."""
    return sum(
        node["type"] == "Pod"
        and node.get("phase") in _BEGUN
        and not (node.get("synchronizationStatus") or {}).get("waiting")
        for node in workflow["status"]["nodes"].values()
    )


def _soon(step: str) -> Reason:
    return Reason(step=step, kind="starting", found="its turn: it is about to begin")


def template_limit(template: Object) -> str:
    return f"`parallelism` of template {template.get('name', '')} is {template['parallelism']}"


def depends_on(task: Object) -> list[str]:
    """Return the tasks that *task* names in `dependencies` or `depends`, each once."""
    if text := task.get("depends"):
        return list(dict.fromkeys(found[1] for found in _NAME.finditer(str(text))))
    return [str(name) for name in task.get("dependencies") or ()]


def listed(names: Sequence[str]) -> str:
    """Return *names* as a person says them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
