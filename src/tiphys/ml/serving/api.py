"""The `Cluster` of a pod: the Kubernetes API, by the pod's own ServiceAccount."""

from typing import Any, Self

from kubernetes import client

from tiphys.ml import incluster
from tiphys.ml.serving.kubernetes import MANAGER, Object, RolloutError

APPLY: dict[str, Any] = {
    "field_manager": MANAGER,
    "force": True,
    "_content_type": "application/apply-patch+yaml",
}
"""Server-side apply: it creates what is not there, and touches no field that it does not name."""


class PodCluster:
    """One namespace of a cluster."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._api, self.namespace = api, namespace

    @classmethod
    def here(cls) -> Self:
        """Return the namespace that this pod is in. Raises: NoPodError: this is no pod."""
        return cls(*incluster.connect("target/kubernetes", 'Use target "local" here.'))

    def apply(self, manifest: Object) -> None:
        """Create the object, or make it so. Raises: RolloutError: the API server refuses it."""
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        patch = {
            "Deployment": client.AppsV1Api(self._api).patch_namespaced_deployment,
            "Service": client.CoreV1Api(self._api).patch_namespaced_service,
        }[kind]
        try:
            patch(name, self.namespace, manifest, **APPLY)
        except client.ApiException as error:
            raise RolloutError(
                f"{kind}/{name}",
                f"the API server says {error.status} {error.reason}: {error.body}",
                "May the workflow's ServiceAccount create and patch it?",
            ) from error

    def deployment(self, name: str) -> Object:
        """Return the Deployment as it is."""
        found = client.AppsV1Api(self._api).read_namespaced_deployment(name, self.namespace)
        raw: Object = self._api.sanitize_for_serialization(found)  # type: ignore[no-untyped-call]  # ships no types
        return raw
