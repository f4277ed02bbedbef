"""Pods that a step has made itself: those of its gang."""

import hashlib
import re
from collections.abc import Iterable, Iterator

from tiphys.report.waiting.evidence import Evidence, Object

GANG = "jobset.sigs.k8s.io/jobset-name"


def of(node: str, pods: Iterable[Object]) -> Iterator[Object]:
    """Yield those of *pods* that the step at the node *node* has made, whichever its attempt."""
    every_attempt = re.sub(r"\(\d+\)$", "", node)
    unique = hashlib.sha256(every_attempt.encode()).hexdigest()[:8]
    for pod in pods:
        gang = str((pod["metadata"].get("labels") or {}).get(GANG, ""))
        if gang.endswith(f"-{unique}"):
            yield pod


def pods(node: Object, evidence: Evidence) -> Iterator[Object]:
    """Yield the pods of the gang of *node* that have not started."""
    for pod in of(str(node["name"]), evidence.pods or ()):
        if pod["status"].get("phase") == "Pending":
            yield pod


def message(pod: Object) -> str:
    """Return why *pod* has not started, in the words that Argo has for pods of its own."""
    for status in pod["status"].get("containerStatuses") or ():
        if waiting := (status.get("state") or {}).get("waiting"):
            return f"{waiting.get('reason', '')}: {waiting.get('message', '')}"
    return ""
