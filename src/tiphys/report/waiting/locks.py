"""Mutexes and semaphores: which one a run or a step waits for, and who has it (rule 54)."""

import re
from collections.abc import Iterator

from tiphys.report.waiting.evidence import Object, Reason

_WAITS = re.compile(r"Waiting for (?:\S+/)?(Mutex|ConfigMap|Database)/(\S+) lock")


def of_node(workflow: Object, node: Object, step: str) -> Reason | None:
    """Return which lock *node* waits for, if it does."""
    waiting = (node.get("synchronizationStatus") or {}).get("waiting")
    if not waiting:
        return None
    return _reason(workflow, str(waiting), step)


def of_run(workflow: Object) -> Reason | None:
    """Return which lock the whole run waits for, if it does."""
    message = str((workflow.get("status") or {}).get("message") or "")
    found = _WAITS.search(message)
    return _reason(workflow, f"{found[1]}/{found[2]}", "") if found else None


def of_template(template: Object, step: str) -> Reason | None:
    """Return which locks a step must take that has no node: here it waits without one."""
    wanted = template.get("synchronization") or {}
    mutexes = [one.get("name", "") for one in wanted.get("mutexes") or ()]
    semaphores = [
        one.get("configMapKeyRef", {}).get("key", "") for one in wanted.get("semaphores") or ()
    ]
    said = [f"the mutex {name}" for name in mutexes]
    said += [f"the semaphore {name}" for name in semaphores]
    if not said:
        return None
    found = f"{' and '.join(said)}, which other steps have"
    return Reason(step=step, kind="lock", found=found, advice="It starts when they have ended.")


def _reason(workflow: Object, lock: str, step: str) -> Reason:
    *_, kind, name = ["", "", *lock.split("/", 2)[-2:]] if lock.count("/") else ["", "", lock]
    what = "mutex" if kind == "Mutex" else "semaphore"
    holders = sorted(set(_holders(workflow, lock)))
    own = workflow["metadata"]["name"]
    others = [run for run, _ in holders if run != own]
    said = " and ".join(_said(workflow, run, node) for run, node in holders)
    advice = "It starts when that has ended; the one with the highest priority goes first."
    if others:
        advice = f"See what it does: tiphys get {others[0]}"
    found = f"the {what} {name}{f', which {said} has' if said else ''}"
    return Reason(step=step, kind="lock", found=found, advice=advice)


def _holders(workflow: Object, lock: str) -> Iterator[tuple[str, str]]:
    """Yield (run, node id or "") of who has *lock*, as the run knows it."""
    known = (workflow.get("status") or {}).get("synchronization") or {}
    for one in (known.get("mutex") or {}).get("waiting") or ():
        if _same(str(one.get("mutex", "")), lock):
            yield _who(str(one.get("holder", "")))
    for one in (known.get("semaphore") or {}).get("waiting") or ():
        if _same(str(one.get("semaphore", "")), lock):
            for holder in one.get("holders") or ():
                yield _who(str(holder))


def _same(known: str, lock: str) -> bool:
    return known.endswith(lock) or lock.endswith(known)


def _who(holder: str) -> tuple[str, str]:
    """Return (run, node) of `namespace/run` or `namespace/run/node`."""
    _, run, node = [*holder.split("/"), "", ""][:3]
    return run, node


def _said(workflow: Object, run: str, node: str) -> str:
    if run != workflow["metadata"]["name"]:
        return f"the run {run}"
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    return str(nodes[node]["displayName"]) if node in nodes else run
