"""A gang without a cluster: what a launcher is told, and a cluster that follows a script."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiphys.ml.data import Pin
from tiphys.ml.features import Features
from tiphys.ml.training import outcome
from tiphys.ml.training.jobset import INDEX_LABEL, RESTART_LABEL, Gang
from tiphys.ml.training.request import Request, Settings

Object = dict[str, Any]

POD: Object = {
    "nodeSelector": {"gpu": "big"},
    "containers": [
        {
            "name": "node",
            "image": "registry.example/train@sha256:1",
            "env": [{"name": "AWS_ENDPOINT_URL", "value": "http://s3"}],
            "resources": {"limits": {"memory": "4Gi", "nvidia.com/gpu": "1"}},
        }
    ],
}


def gang(**changes: Any) -> Gang:
    """Return a gang of two nodes."""
    given = {
        "workflow": "flights-x7",
        "node": "flights-x7.train(0)",
        "owner": "flights-x7-train-1",
        "owner_uid": "u-1",
        "nodes": 2,
        "pod": POD,
    }
    return Gang(**{**given, **changes})


def request(checkpoints: Path) -> Request:
    """Return a request whose checkpoints are in a folder."""
    return Request(
        dataset=Pin(path="data/flights", md5="ab.dir", size=9, nfiles=1, revision="v1"),
        remote="s3://dvc",
        months=["2013-01"],
        features=Features(label="late", numbers=["wind"], categories=["town"]),
        settings=Settings(epochs=4, seed=7),
        workers=2,
        checkpoints=str(checkpoints),
    )


def publish(asked: Request, folder: Path) -> None:
    """Leave what a gang leaves that has done *asked*."""
    folder.mkdir()
    (folder / outcome.WEIGHTS).write_bytes(b"weights")
    answer = '{"rows": 9, "epochs": 4, "loss": 0.5, "resumed_from": 50}'
    (folder / outcome.DESCRIPTION).write_text(f'{{"answer": {answer}}}')
    outcome.publish(folder, asked.place)


def pod(
    name: str, phase: str = "Running", index: int = 0, restart: int = 0, **status: Any
) -> Object:
    """Return a pod of a gang as the API has it."""
    labels = {INDEX_LABEL: str(index), RESTART_LABEL: str(restart)}
    spec = {} if phase == "Pending" else {"nodeName": f"node-of-{name}"}
    metadata = {"name": name, "labels": labels}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase, **status}}


def ended(name: str, code: int, reason: str = "Error", message: str = "") -> Object:
    """Return a pod whose container has ended."""
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return pod(name, "Failed", containerStatuses=[{"name": "node", "state": state}])


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the API says at one look."""

    restarts: int = 0
    preemptions: int = 0
    """So many of the restarts."""
    state: str = ""
    pods: Sequence[Object] = ()


@dataclass
class Cluster:
    """Has a JobSet from its creation on; each look at it is the next moment, the last one stays."""

    moments: list[Moment | Exception]
    logs: dict[str, list[str]] = field(default_factory=dict)
    left: int = 0
    """How many more looks find a JobSet of an earlier attempt, once its deletion was asked for."""
    created: Object | None = None
    now: Moment = field(default_factory=Moment)
    deleted: list[str] = field(default_factory=list)

    def create(self, manifest: Object) -> None:
        """Create a JobSet; there must be none."""
        assert self.left == 0
        self.created = copy.deepcopy(manifest)

    def jobset(self, name: str) -> Object | None:
        """Return what the next moment says."""
        if self.created is None:
            self.left = max(0, self.left - len(self.deleted))
            return self._jobset(name, "an earlier attempt's pod") if self.left else None
        found = self.moments.pop(0) if len(self.moments) > 1 else self.moments[0]
        if isinstance(found, Exception):
            raise found
        self.now = found
        owner = self.created["metadata"]["ownerReferences"][0]["uid"]
        status = {"restarts": found.restarts, "terminalState": found.state}
        status["restartsCountTowardsMax"] = found.restarts - found.preemptions
        return {**self._jobset(name, owner), "status": status}

    def delete(self, found: Object) -> None:
        """Note it."""
        self.deleted.append(found["metadata"]["name"])

    def _jobset(self, name: str, owner: str) -> Object:
        return {"metadata": {"name": name, "uid": "j-1", "ownerReferences": [{"uid": owner}]}}

    def pods(self, _name: str) -> list[Object]:
        """Return the pods of this moment."""
        return list(self.now.pods)

    def log(self, name: str) -> Iterator[str]:
        """Yield the log of a pod, whole."""
        for number, line in enumerate(self.logs.get(name, [])):
            yield f"2026-01-01T00:00:{number:02}Z {line}"
