"""The JobSet of a gang: one pod a node, restarted together, found by each other through DNS."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tiphys.ml.training.request import Request
from tiphys.step import codec
from tiphys.step.failures import ExitCode

Object = dict[str, Any]

VARIABLE = "TIPHYS_GANG"
"""The environment variable in which a step's template says what its gang is."""
RESTARTED = "TIPHYS_GANG_RESTARTS"
"""The one in which a pod finds how often its gang had been started again."""
GROUP, VERSION, PLURAL = "jobset.x-k8s.io", "v1alpha2", "jobsets"
NODE = "node"
"""The name of the replicated job, and of the container in its pods."""
NAME_LABEL = "jobset.sigs.k8s.io/jobset-name"
RESTART_LABEL = "jobset.sigs.k8s.io/restart-attempt"
"""How often the gang had been started again when a pod was made."""
INDEX_LABEL = "batch.kubernetes.io/job-completion-index"
PORT = 29400
RESTARTS = 3
"""How often a gang is started again for a failure of its own; a preemption is none."""
PREEMPTIONS = 3
"""How often it is started again where it was, before the step is preempted itself: its policies
know of nodes that stay."""

_FOR_THE_STEP = (
    ExitCode.WRONG_INPUT,
    ExitCode.TEMPORARY,
    ExitCode.BAD_DEVICE,
    ExitCode.OUT_OF_MEMORY,
)
"""Exit codes that end the gang: the retry policies of the step decide about them, not JobSet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gang:
    """Where a gang runs and to whom it belongs."""

    workflow: str
    node: str
    """The step's node in the workflow, an attempt's number at its end."""
    owner: str
    """The step's pod: what is left of the gang goes with it."""
    owner_uid: str
    nodes: int
    pod: Object
    """The spec of each pod; its one container lacks the command."""
    timeout: timedelta | None = None
    """How long its nodes may run together; None: until the step's own deadline."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Gang":
        """Return what the step's template says."""
        told = json.loads(environ[VARIABLE])
        seconds = told.get("timeout_seconds")
        return cls(
            workflow=told["workflow"],
            node=environ["TIPHYS_WORKFLOW_NODE"],
            owner=environ["POD_NAME"],
            owner_uid=environ["POD_UID"],
            nodes=told["nodes"],
            pod=told["pod"],
            timeout=None if seconds is None else timedelta(seconds=seconds),
        )

    @property
    def name(self) -> str:
        """Of the JobSet: the same for each attempt of the node, so that there is never a second.

        >>> Gang(workflow="w", node="w.t(1)", owner="", owner_uid="", nodes=2, pod={}).name
        'gang-w-c356d8ae'
        """
        every_attempt = re.sub(r"\(\d+\)$", "", self.node)
        unique = hashlib.sha256(every_attempt.encode()).hexdigest()[:8]
        return f"gang-{self.workflow[:24].replace('.', '-').strip('-')}-{unique}"

    def owns(self, found: Object) -> bool:
        """Whether a JobSet of this name is this attempt's: an earlier or a later one is not."""
        owners = found["metadata"].get("ownerReferences", ())
        return any(owner["uid"] == self.owner_uid for owner in owners)

    @property
    def memory(self) -> str:
        """The limit of a pod, for people."""
        limits: Mapping[str, str] = self.pod["containers"][0].get("resources", {}).get("limits", {})
        return limits.get("memory", "none")


def manifest(gang: Gang, request: Request) -> Object:
    """Return the JobSet that carries out *request*.

    Raises: WrongInput: its workers cannot be shared by the nodes.
    """
    request = replace(request, nodes=gang.nodes)
    request.check_shares()
    labels = {
        "app.kubernetes.io/managed-by": "tiphys",
        "tiphys.dev/workflow": gang.workflow[:63].rstrip("-."),
    }
    owner = {"apiVersion": "v1", "kind": "Pod", "name": gang.owner, "uid": gang.owner_uid}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "JobSet",
        "metadata": {
            "name": gang.name,
            "labels": labels,
            "annotations": {"tiphys.dev/node": gang.node},
            "ownerReferences": [owner],
        },
        "spec": {
            "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
            "failurePolicy": _failure_policy(),
            "replicatedJobs": [
                {
                    "name": NODE,
                    "replicas": 1,
                    "template": {"spec": _job(gang, request, labels)},
                }
            ],
        },
    }


def _failure_policy() -> Object:
    """Start all pods again, but ask the step where its own policies know the failure better.

    A Job's message tells a preempted pod from a wrong exit code, its reason does not.
    """
    gone = ["has condition DisruptionTarget", f"failed with exit code {ExitCode.PREEMPTED} "]
    return {
        "maxRestarts": RESTARTS,
        "restartStrategy": "BlockingRecreate",
        "rules": [
            {
                "name": "preempted",
                "action": "RestartJobSetAndIgnoreMaxRestarts",
                "onJobFailureReasons": ["PodFailurePolicy"],
                "onJobFailureMessagePatterns": gone,
            },
            {
                "name": "step_decides",
                "action": "FailJobSet",
                "onJobFailureReasons": ["PodFailurePolicy"],
            },
        ],
    }


def _job(gang: Gang, request: Request, labels: Mapping[str, str]) -> Object:
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    codes = sorted(map(int, (*_FOR_THE_STEP, ExitCode.PREEMPTED)))
    exits = {"containerName": NODE, "operator": "In", "values": codes}
    return {
        "completionMode": "Indexed",
        "parallelism": gang.nodes,
        "completions": gang.nodes,
        "backoffLimit": 0,
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onPodConditions": [disrupted]},
                {"action": "FailJob", "onExitCodes": exits},
            ]
        },
        "template": {"metadata": {"labels": dict(labels)}, "spec": _pod(gang, request)},
    }


def _pod(gang: Gang, request: Request) -> Object:
    (container,) = gang.pod["containers"]
    asked = codec.encode(request, Request)
    work = {
        **container,
        "name": NODE,
        "command": ["python", "-m", "tiphys.step", "tiphys.ml.training.node:work"],
        "args": [f"--request={asked}".replace("$(", "$$(")],
        "env": [*container.get("env", ()), *_rendezvous(gang)],
    }
    spread = {"topologySpreadConstraints": [_apart(gang)]}
    return {**spread, **gang.pod, "restartPolicy": "Never", "containers": [work]}


def _apart(gang: Gang) -> Object:
    """A pod a node, where there are enough: that is what a tier of several nodes says."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {NAME_LABEL: gang.name}},
    }


def _rendezvous(gang: Gang) -> list[Object]:
    """How the pods find each other, in torchrun's own words."""
    start = {"fieldRef": {"fieldPath": f"metadata.labels['{RESTART_LABEL}']"}}
    rank = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX_LABEL}']"}}
    plain = {
        "PET_NNODES": str(gang.nodes),
        "PET_MASTER_ADDR": f"{gang.name}-{NODE}-0-0.{gang.name}",
        "PET_MASTER_PORT": str(PORT),
        "GLOO_SOCKET_IFNAME": "eth0",
        "NCCL_SOCKET_IFNAME": "eth0",
        "TIPHYS_PROGRESS": "log",
    }
    found: list[Object] = [{"name": name, "value": value} for name, value in plain.items()]
    own = {"PET_NODE_RANK": rank, RESTARTED: start}
    return [*({"name": name, "valueFrom": value} for name, value in own.items()), *found]
