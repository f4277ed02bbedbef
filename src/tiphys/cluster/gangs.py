"""The gangs of a namespace: the JobSets that launcher steps have made."""

from tiphys.cluster import api as kubernetes
from tiphys.cluster.api import NOT_FOUND, Api, ApiError, Object

_OURS = {"labelSelector": "app.kubernetes.io/managed-by=tiphys"}
_WORKFLOW = "tiphys.dev/workflow"


def listed(api: Api) -> list[Object]:
    """Return the gangs; none where the cluster has no JobSets.

    Raises: ApiError.
    """
    try:
        return kubernetes.listed(api, _path(api), _OURS)
    except ApiError as problem:
        if problem.status == NOT_FOUND:
            return []
        raise


def delete(api: Api, gang: Object) -> None:
    """Delete a gang with its pods.

    Raises: ApiError.
    """
    try:
        kubernetes.delete(api, f"{_path(api)}/{gang['metadata']['name']}")
    except ApiError as problem:
        if problem.status != NOT_FOUND:  # its owner's pod has taken it along
            raise


def is_of(gang: Object, run: str) -> bool:
    """Whether *gang* belongs to the run of this name, which a label holds 63 characters of."""
    labels = gang["metadata"].get("labels") or {}
    return bool(labels.get(_WORKFLOW) == run[:63].rstrip("-."))


def run_of(gang: Object) -> str:
    """Return the run's name, or its first 63 characters."""
    return str((gang["metadata"].get("labels") or {}).get(_WORKFLOW, "?"))


def _path(api: Api) -> str:
    return f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/{api.namespace}/jobsets"
