"""The server on a cluster: one Deployment and one Service, applied from inside a pod.

Where credentials come from is copied from the step's own template, so the Deployment refers to the
same Secret and holds none of it. A new version needs no new pod: the server follows the registry.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from tiphys import restricted
from tiphys.errors import UserError

Object = dict[str, Any]

PORT = 8080
MANAGER = "tiphys-deploy"
"""Who owns the fields that are applied, in the API server's eyes."""
POLL = timedelta(seconds=1)
OWN_TEMPLATE = Path("/var/run/argo/template")
"""Where Argo's executor puts the step's template, as JSON."""


class RolloutError(UserError):
    """The Deployment is not what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is to run."""

    model: str
    registry: str
    image: str
    environment: Sequence[Mapping[str, Any]] = ()
    """Entries of a container's `env`."""

    @property
    def name(self) -> str:
        """Of the Deployment and the Service."""
        return f"serve-{self.model}".lower().replace("_", "-").replace(".", "-")


class Cluster(Protocol):
    """The little of a Kubernetes API that is needed."""

    namespace: str

    def apply(self, manifest: Object) -> None:
        """Create the object, or make it so."""

    def deployment(self, name: str) -> Object:
        """Return the Deployment as it is."""


def roll_out(
    cluster: Cluster, server: Server, patience: timedelta, *, every: timedelta = POLL
) -> str:
    """Apply both objects and return the URL of the Service once all pods are of this image.

    Raises: TimeoutError: not within *patience*.
    """
    for manifest in (deployment(server), service(server)):
        cluster.apply(manifest)
    end = time.monotonic() + patience.total_seconds()
    while not rolled_out(cluster.deployment(server.name)):
        if time.monotonic() > end:
            text = f"deployment {server.name} is not complete after {patience}"
            raise TimeoutError(text)
        time.sleep(every.total_seconds())
    return f"http://{server.name}.{cluster.namespace}.svc:{PORT}"


def rolled_out(found: Object) -> bool:
    """Return whether every pod of a Deployment is new and answers, and no old one is left."""
    status, wanted = found.get("status", {}), found["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= found["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
    )


def deployment(server: Server) -> Object:
    """Return the Deployment of *server*."""
    labels = _labels(server)
    volumes, mounts = restricted.scratch(tmp="/tmp")  # noqa: S108 -- a volume of the pod
    probe = {"path": "/v2/health/live", "port": PORT}
    container = {
        "name": "server",
        "image": server.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "tiphys.ml.serving"],
        "args": [
            f"--registry={server.registry}",
            f"--model={server.model}",
            "--host=0.0.0.0",
            f"--port={PORT}",
        ],
        "env": list(server.environment),
        "ports": [{"containerPort": PORT, "name": "http"}],
        "livenessProbe": {"httpGet": probe, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {**probe, "path": "/v2/health/ready"}, "periodSeconds": 2},
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "1Gi"},
        },
        "securityContext": restricted.CONTAINER,
        "volumeMounts": mounts,
    }
    pod = {
        "metadata": {"labels": labels},
        "spec": {
            "containers": [container],
            "volumes": volumes,
            "securityContext": restricted.POD,
            "automountServiceAccountToken": False,
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": server.name, "labels": _metadata_labels(server)},
        "spec": {
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": pod,
        },
    }


def service(server: Server) -> Object:
    """Return the Service of *server*."""
    labels = _labels(server)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": server.name, "labels": _metadata_labels(server)},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": PORT}]},
    }


def own_environment(template: Path = OWN_TEMPLATE) -> list[Object]:
    """Return the entries that hold keys in the step's own template; none where Argo has none."""
    if not template.exists():
        return []
    raw = json.loads(template.read_bytes())
    entries = raw.get("container", {}).get("env", [])
    return [each for each in entries if each["name"].startswith(("AWS_", "TIPHYS_KEYS"))]


def _labels(server: Server) -> dict[str, str]:
    return {"app.kubernetes.io/name": server.name, "app.kubernetes.io/managed-by": "tiphys"}


def _metadata_labels(server: Server) -> dict[str, str]:
    """Return the labels of the objects themselves: a selector, once made, cannot change."""
    return {**_labels(server), "app.kubernetes.io/part-of": "tiphys"}
