"""Pods that a step has made itself: those of its gang."""

import hashlib
import re
from collections.abc import Iterator

from tiphys.report.waiting.evidence import Evidence, Object

GANG = "jobset.sigs.k8s.io/jobset-name"


def pods(node: Object, evidence: Evidence) -> Iterator[Object]:
    """Yield the pods of the gang that the step of *node* has made, those that have not started."""
    every_attempt = re.sub(r"\(\d+\)$", "", str(node["name"]))
    unique = hashlib.sha256(every_attempt.encode()).hexdigest()[:8]
    for pod in evidence.pods or ():
        gang = str((pod["metadata"].get("labels") or {}).get(GANG, ""))
        if gang.endswith(f"-{unique}") and pod["status"].get("phase") == "Pending":
            yield pod


def message(pod: Object) -> str:
    """Return why *pod* has not started, in the words that Argo has for pods of its own."""
    for status in pod["status"].get("containerStatuses") or ():
        if waiting := (status.get("state") or {}).get("waiting"):
            return f"{waiting.get('reason', '')}: {waiting.get('message', '')}"
    return ""
