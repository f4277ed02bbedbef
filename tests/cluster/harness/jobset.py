"""The JobSet controller, a process beside the cluster, and its webhooks."""

import base64
import json
from typing import Any

from harness.cluster import Cluster
from harness.daemons import Daemons
from harness.identity import Identity
from harness.places import NODE_ADDRESS

PORT = 9443
OF_JOBSETS = {"key": "jobset.sigs.k8s.io/jobset-name", "operator": "Exists"}


def start(cluster: Cluster, daemons: Daemons) -> None:
    """Start the controller; JobSets are refused until its webhooks answer, a second later."""
    identity = Identity(folder=cluster.places.identity)
    identity.certify_webhook("jobset")
    certificate = str(identity.folder / "jobset")
    config = cluster.places.state / "jobset.json"
    config.write_text(
        json.dumps(
            {
                "apiVersion": "config.jobset.x-k8s.io/v1alpha1",
                "kind": "Configuration",
                "leaderElection": {"leaderElect": False},
                "metrics": {"bindAddress": "127.0.0.1:18443", "certDir": certificate},
                "health": {"healthProbeBindAddress": "127.0.0.1:18081"},
                "internalCertManagement": {"enable": False},
                "webhook": {"port": PORT, "certDir": certificate},
            }
        )
    )
    flags = (f"--config={config}", f"--kubeconfig={cluster.places.admin}")
    daemons.start("jobset", [cluster.binaries / "jobset", *flags])
    _register_webhooks(cluster, identity.authority.read_bytes())


def _register_webhooks(cluster: Cluster, authority: bytes) -> None:
    """Have the API server call the process by its address; upstream it is a Service."""
    source = f"--filename={cluster.binaries / 'jobset-webhooks.yaml'}"
    listed = json.loads(cluster.kubectl("apply", "--dry-run=client", "--output=json", source))
    bundle = base64.b64encode(authority).decode()
    for configuration in listed["items"]:
        configuration["metadata"]["name"] = f"jobset-{configuration['metadata']['name']}"
        for webhook in configuration["webhooks"]:
            _redirect(webhook, bundle)
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(listed))


def _redirect(webhook: dict[str, Any], bundle: str) -> None:
    path = webhook["clientConfig"]["service"]["path"]
    url = f"https://{NODE_ADDRESS}:{PORT}{path}"
    webhook["clientConfig"] = {"url": url, "caBundle": bundle}
    if "pod" in path:  # else no pod would start while the controller is away
        webhook["objectSelector"] = {"matchExpressions": [OF_JOBSETS]}
