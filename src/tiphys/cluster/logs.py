"""What the steps of a run on a cluster say: from their pods, and from Argo's archive after them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from argo_workflows.api.workflow_service_api import WorkflowServiceApi

from tiphys.cluster import artifacts, verbs
from tiphys.cluster.connection import Connection, stream
from tiphys.engine import naming
from tiphys.engine.status import ended
from tiphys.errors import UnknownNameError, UserError

MAIN = "main-logs"
"""The artifact in which Argo archives what a step has said."""
OF_ARGO = re.compile(r"time=\S+ level=[A-Z]+ msg=.* argo=true\b")

Line = tuple[str, str]
"""The name of a step, and what it said."""


class NoLogsError(UserError):
    """A run's pods are gone, and with them what they said."""

    def __init__(self, run: str) -> None:
        super().__init__(
            run,
            "its pods are gone, and Argo Server finds no logs of them in the archive.",
            "For the next runs set `archiveLogs: true` in the artifact repository"
            " (docs/production.md).",
        )


class BrokenOffError(UserError):
    """The server has closed the stream of a log that goes on."""

    def __init__(self, run: str) -> None:
        super().__init__(run, "Argo Server has cut the log off; the run goes on.", "Ask again.")


def read(
    connection: Connection, name: str, *, node: str | None = None, follow: bool = False
) -> Iterator[Line]:
    """Yield (step, line) of the whole run or of one step; a step's name means all its attempts.

    What Argo's own executor says into the same log is left out. A pod that is gone, as all are
    some seconds after the run, is looked for in the archive.

    Raises:
        NoLogsError: the run has ended, and there is not a line of it anywhere.
        BrokenOffError: the log should have been followed to the end of the run.
        UnknownNameError: it has ended and had no such step.
    """
    if node:
        _known(verbs.get(connection, name), name, node)
    for known, text in _everything(connection, name, follow=follow):
        asked = not node or node in {known, known.partition("(")[0]}
        if asked and not OF_ARGO.match(text):
            yield known, text


def _everything(connection: Connection, name: str, *, follow: bool) -> Iterator[Line]:
    """Yield the lines of the pods that are there, then what the archive has of the others."""
    heard: set[str] = set()
    for identity, line in _of_pods(connection, name, follow=follow):
        heard.add(identity)
        yield line
    run = verbs.get(connection, name)
    if follow and not ended(run):
        raise BrokenOffError(name)
    for identity, node in _archived(run):
        if identity in heard:
            continue
        text = artifacts.read(connection, name, identity, MAIN)
        if text is not None:
            heard.add(identity)
            known = naming.known_as(node, run["status"]["nodes"])
            yield from ((known, line) for line in text.decode(errors="replace").splitlines())
    if ended(run) and not heard:
        raise NoLogsError(name)


def _known(run: Mapping[str, Any], name: str, step: str) -> None:
    nodes = (run.get("status") or {}).get("nodes") or {}
    pods = [one for one in nodes.values() if one["type"] == "Pod"]
    known = {naming.known_as(one, nodes).partition("(")[0] for one in pods}
    if ended(run) and step.partition("(")[0] not in known:  # else it may yet come
        raise UnknownNameError(name, "step", step, known)


def _of_pods(connection: Connection, name: str, *, follow: bool) -> Iterator[tuple[str, Line]]:
    """Yield the id of a node with its name and a line, for the pods that are there."""
    endpoint = WorkflowServiceApi(connection.client).workflow_logs_endpoint
    asked: dict[str, Any] = {"log_options_container": "main", "log_options_follow": follow}
    run = verbs.get(connection, name)
    for line in stream(connection, endpoint, connection.namespace, name, **asked):
        pod, text = str(line.get("podName", "")), str(line.get("content", ""))
        found = _node(run, pod)
        if found is None:
            run = verbs.get(connection, name)  # a pod younger than what we knew
            found = _node(run, pod)
        if found is None:
            yield pod, (pod, text)
        else:
            yield (
                found,
                (naming.known_as(run["status"]["nodes"][found], run["status"]["nodes"]), text),
            )


def _node(run: Mapping[str, Any], pod: str) -> str | None:
    """Return the id of the node of *pod*: both end in the hash of the node's name (rule 4)."""
    suffix = pod.rpartition("-")[2]
    nodes = (run.get("status") or {}).get("nodes") or {}
    for identity, node in nodes.items():
        if node["type"] == "Pod" and identity.rpartition("-")[2] in {suffix, identity}:
            return str(identity)
    return None


def _archived(run: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield id and node of the steps whose logs Argo has archived, in the order they began."""
    nodes = (run.get("status") or {}).get("nodes") or {}
    for identity, node in sorted(nodes.items(), key=lambda one: str(one[1].get("startedAt"))):
        kept = (node.get("outputs") or {}).get("artifacts") or ()
        if node["type"] == "Pod" and any(one["name"] == MAIN for one in kept):
            yield str(identity), node
