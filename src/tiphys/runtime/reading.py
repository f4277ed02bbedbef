"""The verbs that only look: list_runs, get, logs. They need no lock and disturb no driver."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiphys import engine
from tiphys import manifest as manifests
from tiphys.engine import naming
from tiphys.engine.state import State
from tiphys.engine.status import ended
from tiphys.errors import UnknownNameError, UserError
from tiphys.runtime import folder
from tiphys.runtime.faults import RefusedError
from tiphys.runtime.folder import RunFolder
from tiphys.runtime.record import given, replay
from tiphys.runtime.request import LogLine, Workflow

DRIVER = "tiphys/driver"
"""The annotation of a run that has not ended: the driver's process number, or `absent`."""

FOLLOW_SECONDS = 0.2


def list_runs(root: Path) -> list[Workflow]:
    """Return the runs of *root*, the newest first; one that cannot be read says why."""
    found = [listed(run) for run in folder.all_of(root)]
    return sorted(found, key=_created, reverse=True)


def listed(run: RunFolder) -> Workflow:
    """Return the run in a folder; of one that cannot be read, an Error that says why."""
    try:
        return _workflow(run)
    except UserError as problem:
        made = datetime.fromtimestamp(run.path.stat().st_mtime, UTC)
        metadata = {"name": run.name, "creationTimestamp": f"{made:%Y-%m-%dT%H:%M:%SZ}"}
        status = {"phase": "Error", "message": str(problem)}
        return {"metadata": metadata, "spec": {}, "status": status}


def get(root: Path, name: str) -> Workflow:
    """Return the run *name* as of now.

    Raises: UnknownNameError: there is none.
    """
    return _workflow(folder.find(root, name))


def deferred(root: Path, name: str) -> dict[str, str]:
    """Return the calls of a run that wait without a node, each with what for.

    Raises: UserError: there is none, or its manifest cannot be read any more.
    """
    state = _state(folder.find(root, name))
    limits = [item for queue in state.deferred.values() for item in queue]
    found = {item.site.name: "parallelism" for item in limits}
    return found | {item.site.name: "lock" for item in state.lock_waiters}


def driven(workflow: Workflow) -> bool:
    """Return whether the run of this machine has a driver, or needs none any more."""
    return bool((workflow["metadata"].get("annotations") or {}).get(DRIVER) != "absent")


def watch(root: Path, name: str) -> Iterator[Workflow]:
    """Yield the run *name* whenever it has changed, until it has ended or nobody drives it.

    Raises: UnknownNameError: there is none.
    """
    run = folder.find(root, name)
    shown: Workflow | None = None
    while True:
        driver = run.driver()
        workflow = _workflow(run)
        if workflow != shown:
            shown = workflow
            yield workflow
        if ended(workflow) or not driver:
            return
        time.sleep(FOLLOW_SECONDS)


def run_folder(root: Path, name: str) -> Path:
    """Return the folder of the run *name*.

    Raises: UnknownNameError: there is none.
    """
    return folder.find(root, name).path


def artifact(root: Path, name: str, node: str, artifact: str) -> Path:
    """Return where the output artifact of the node with this id is, whether or not it is there."""
    return folder.find(root, name).node(node) / "out" / "artifacts" / artifact


def _created(workflow: Workflow) -> tuple[str, str]:
    metadata = workflow["metadata"]
    return str(metadata["creationTimestamp"]), str(metadata["name"])


def _workflow(run: RunFolder) -> Workflow:
    driver = run.driver()
    workflow = _read(run.status)
    if workflow is None or (not driver and not ended(workflow)):
        workflow = engine.status(
            _state(run)
        )  # the driver died before it could say how far it had come
    if not ended(workflow):
        workflow["metadata"].setdefault("annotations", {})[DRIVER] = driver or "absent"
    return workflow


def _read(status: Path) -> Workflow | None:
    try:
        workflow: Workflow = json.loads(status.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return workflow


def _state(run: RunFolder) -> State:
    """Return what the journal leads to."""
    loaded = manifests.load(run.files(), parameters=frozenset(given(run)))
    if loaded.manifest is None:
        raise RefusedError(loaded.errors)
    return replay(run, loaded.manifest)[0]


def logs(
    root: Path, name: str, node: str | None = None, *, follow: bool = False
) -> Iterator[LogLine]:
    """Yield what the attempts of a run wrote, in the order they started.

    Args:
        root: where the runs are.
        name: the run.
        node: only this one: its display name, name or id.
        follow: go on until the run has ended.

    Raises: UnknownNameError: there is no such run or node.
    """
    run = folder.find(root, name)
    offsets: dict[str, int] = {}
    while True:
        workflow = _workflow(run)
        done = not follow or ended(workflow) or not run.driver()
        pods = _pods(workflow)
        if node is not None:
            pods = [pod for pod in pods if _is(pod, node)]
            if not pods and done:
                known = [pod["displayName"] for pod in _pods(workflow)]
                raise UnknownNameError(name, "step", node, known)
        for pod in pods:
            yield from _lines(run, pod, offsets, whole=done)
        if done:
            return
        time.sleep(FOLLOW_SECONDS)


def _pods(workflow: Workflow) -> list[dict[str, Any]]:
    nodes = workflow.get("status", {}).get("nodes", {})
    pods = [
        {**node, "displayName": naming.known_as(node, nodes)}
        for node in nodes.values()
        if node["type"] == "Pod"
    ]
    return sorted(pods, key=lambda pod: (pod.get("startedAt") or "", pod["id"]))


def _is(pod: dict[str, Any], node: str) -> bool:
    """Return whether *node* means this pod, or the step whose attempt it is."""
    display = str(pod["displayName"])
    return node in {display, display.partition("(")[0], pod["id"], pod["name"]}


def _lines(
    run: RunFolder, pod: dict[str, Any], offsets: dict[str, int], *, whole: bool
) -> Iterator[LogLine]:
    path = run.node(pod["id"]) / "log"
    if not path.exists():
        return
    with path.open("rb") as log:
        log.seek(offsets.get(pod["id"], 0))
        for line in log:
            if not line.endswith(b"\n") and not whole:
                return
            offsets[pod["id"]] = offsets.get(pod["id"], 0) + len(line)
            yield LogLine(pod["displayName"], line.decode(errors="replace").rstrip("\r\n"))
