"""The gangs of a namespace: the JobSets that launcher steps have made."""

from tiphys.cluster import api as kubernetes
from tiphys.cluster.api import Api, Object

_OURS = {"labelSelector": "app.kubernetes.io/managed-by=tiphys"}
LABEL = "tiphys.dev/workflow"
"""What gangs and their pods have, and no other pods: the run they belong to."""


def listed(api: Api) -> list[Object]:
    """Return the gangs; none where the cluster has no JobSets.

    Raises: ApiError.
    """
    found = kubernetes.find(api, _path(api), _OURS) or {}
    return list(found.get("items") or ())


def delete(api: Api, gang: Object) -> None:
    """Delete a gang with its pods; its owner's pod may have taken it along already.

    Raises: ApiError.
    """
    kubernetes.delete(api, f"{_path(api)}/{gang['metadata']['name']}")


def selector(run: str) -> str:
    """Return the labels of the gangs, and of their pods, that belong to the run of this name."""
    return f"{LABEL}={_label(run)}"


def is_of(gang: Object, run: str) -> bool:
    """Whether *gang* belongs to the run of this name."""
    return run_of(gang) == _label(run)


def _label(run: str) -> str:
    """Return as much of a run's name as a label holds."""
    return run[:63].rstrip("-.")


def run_of(gang: Object) -> str:
    """Return the run's name, or its first 63 characters."""
    return str((gang["metadata"].get("labels") or {}).get(LABEL, "?"))


def _path(api: Api) -> str:
    return f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/{api.namespace}/jobsets"
