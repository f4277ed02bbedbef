"""What the steps of a run on a cluster say: from their pods, and from Argo's archive after them."""

import re
from collections.abc import Iterable, Iterator, Mapping
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

_AGAIN = "Type the same command again."

Line = tuple[str, str]
"""The name of a step, and what it said."""


class NoLogsError(UserError):
    """There is no log, neither in a pod nor in Argo's archive."""

    def __init__(self, run: str, step: str | None) -> None:
        super().__init__(
            f"{run}, step {step}" if step else run,
            "no log is left: the pods are gone, and Argo's archive has none of them.",
            "For the next runs set `archiveLogs: true` in the artifact repository"
            " (docs/production.md).",
        )


class BrokenOffError(UserError):
    """The server has closed the stream of a log that goes on."""

    def __init__(self, run: str) -> None:
        super().__init__(run, "Argo Server has cut the log off; the run goes on.", _AGAIN)


def read(
    connection: Connection, name: str, *, node: str | None = None, follow: bool = False
) -> Iterator[Line]:
    """Yield (step, line) of the whole run or of one step; a step's name means all its attempts.

    What Argo's own executor says into the same log is left out. A pod that is gone, as all are
    some seconds after the run, is looked for in the archive.

    Raises:
        NoLogsError: it has ended, and there is no log of it, or of the step.
        BrokenOffError: the log should have been followed to the end of the run.
        UnknownNameError: it has ended and had no such step.
    """
    if node:
        _check(verbs.get(connection, name), name, node)
    heard: set[str] = set()
    for identity, (known, text) in _of_pods(connection, name, follow=follow):
        heard.add(identity)
        if _is_of(known, node):
            yield from ((known, line) for line in _own([text]))
    run = verbs.get(connection, name)
    if follow and not ended(run):
        raise BrokenOffError(name)
    asked = {each: known for each, known in _pods(run).items() if _is_of(known, node)}
    for identity, text in _of_archive(connection, run, asked.keys() - heard):
        heard.add(identity)
        for line in _own(text.splitlines()):
            yield asked[identity], line
    if ended(run) and asked and not heard & asked.keys():
        raise NoLogsError(name, node)


def _is_of(known: str, step: str | None) -> bool:
    """Whether a pod of the node *known* is asked for; a step's name means all its attempts."""
    return not step or step in {known, known.partition("(")[0]}


def _nodes(run: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the nodes that have, or had, a pod by id."""
    nodes = (run.get("status") or {}).get("nodes") or {}
    return {key: node for key, node in nodes.items() if node["type"] == "Pod"}


def _pods(run: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what people call each of them, by id."""
    return {key: naming.known_as(node, run["status"]["nodes"]) for key, node in _nodes(run).items()}


def _check(run: Mapping[str, Any], name: str, step: str) -> None:
    known = {each.partition("(")[0] for each in _pods(run).values()}
    if ended(run) and step.partition("(")[0] not in known:  # else it may yet come
        raise UnknownNameError(name, "step", step, known)


def _of_pods(connection: Connection, name: str, *, follow: bool) -> Iterator[tuple[str, Line]]:
    """Yield the id of a node with its name and a line, for the pods that are there."""
    endpoint = WorkflowServiceApi(connection.client).workflow_logs_endpoint
    asked: dict[str, Any] = {"log_options_container": "main", "log_options_follow": follow}
    known = _pods(verbs.get(connection, name))
    for line in stream(connection, endpoint, connection.namespace, name, **asked):
        pod, text = str(line.get("podName", "")), str(line.get("content", ""))
        if _id(known, pod) is None:
            known = _pods(verbs.get(connection, name))  # a pod younger than what we knew
        identity = _id(known, pod) or pod
        yield identity, (known.get(identity, pod), text)


def _id(known: Mapping[str, str], pod: str) -> str | None:
    """Return the id of the node of *pod*: both end in the hash of the node's name (rule 4)."""
    suffix = pod.rpartition("-")[2]
    return next((each for each in known if each.rpartition("-")[2] in {suffix, each}), None)


def _of_archive(
    connection: Connection, run: Mapping[str, Any], wanted: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield id and whole log of the *wanted* nodes that Argo has archived, as they began."""
    nodes, name = _nodes(run), run["metadata"]["name"]
    for identity in sorted(wanted, key=lambda one: str(nodes[one].get("startedAt"))):
        kept = (nodes[identity].get("outputs") or {}).get("artifacts") or ()
        if any(one["name"] == MAIN for one in kept):
            log = artifacts.read(connection, name, identity, MAIN)
            if log is not None:
                yield identity, log.decode(errors="replace")


def _own(lines: Iterable[str]) -> Iterator[str]:
    """Yield what the step itself has said."""
    return (line for line in lines if not OF_ARGO.match(line))
