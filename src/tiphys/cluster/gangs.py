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
    metadata = gang["metadata"]
    kubernetes.delete(api, f"{_path(api)}/{metadata['name']}", metadata["uid"])


def is_left(api: Api, gang: Object) -> bool:
    """Whether the launcher of *gang* has ended or is gone: its pod, in the gang's own cluster.

    A gang that no pod owns was made by no launcher; nobody knows who needs it.

    Raises: ApiError.
    """
    owners = gang["metadata"].get("ownerReferences") or ()
    pods = [owner for owner in owners if owner["kind"] == "Pod"]
    return bool(pods) and not any(_goes_on(api, pod) for pod in pods)


def _goes_on(api: Api, owner: Object) -> bool:
    """Whether the pod that *owner* refers to is there and has not ended."""
    pod = kubernetes.find(api, f"/api/v1/namespaces/{api.namespace}/pods/{owner['name']}")
    if pod is None or pod["metadata"]["uid"] != owner["uid"]:
        return False
    return pod["status"].get("phase") not in {"Succeeded", "Failed"}


def selector(run: str) -> str:
    """Return the labels of the gangs, and of their pods, that belong to the run of this name."""
    return f"{LABEL}={run[:63].rstrip('-.')}"  # as much of a name as a label holds


def run_of(gang: Object) -> str:
    """Return the run's name, or its first 63 characters."""
    return str((gang["metadata"].get("labels") or {}).get(LABEL, "?"))


def _path(api: Api) -> str:
    return f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/{api.namespace}/jobsets"
