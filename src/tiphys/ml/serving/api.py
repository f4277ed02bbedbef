"""The `Cluster` of a pod: the Kubernetes API, by the pod's own ServiceAccount."""

from typing import Any

from kubernetes import client, config

from tiphys.ml.serving.kubernetes import MANAGER, OWN_NAMESPACE, Object, RolloutError

APPLY = "application/apply-patch+yaml"


class PodCluster:
    """Talks to the cluster this process runs in."""

    def __init__(self) -> None:
        """Raises: RolloutError: this is no pod, or it has no token."""
        try:
            config.load_incluster_config()  # type: ignore[no-untyped-call]  # it ships no types
            self.namespace = OWN_NAMESPACE.read_text()
        except (config.ConfigException, OSError) as error:
            raise RolloutError(
                "target/kubernetes", f"works in a pod only ({error}).", 'Use target "local" here.'
            ) from error
        self._client = client.ApiClient()

    def apply(self, manifest: Object) -> None:
        """Create the object, or make it so. Raises: RolloutError: the API server refuses it."""
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        try:
            if kind == "Deployment":
                client.AppsV1Api(self._client).patch_namespaced_deployment(
                    name, self.namespace, manifest, **_APPLY
                )
            else:
                client.CoreV1Api(self._client).patch_namespaced_service(
                    name, self.namespace, manifest, **_APPLY
                )
        except client.ApiException as error:
            raise RolloutError(
                f"{kind}/{name}",
                f"the API server says {error.status} {error.reason}: {error.body}",
                "May the workflow's ServiceAccount patch and create it?",
            ) from error

    def deployment(self, name: str) -> Object:
        """Return the Deployment as it is."""
        found = client.AppsV1Api(self._client).read_namespaced_deployment(name, self.namespace)
        raw: Object = self._client.sanitize_for_serialization(found)  # type: ignore[no-untyped-call]  # it ships no types
        return raw


_APPLY: dict[str, Any] = {"field_manager": MANAGER, "force": True, "_content_type": APPLY}
