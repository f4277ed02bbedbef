"""What runs beside Kubernetes: the S3 server, DNS, Argo's controller and Argo Server."""

import base64
import json

from harness.cluster import Cluster
from harness.daemons import Daemons
from harness.errors import HarnessError
from harness.places import BUCKETS, DNS_PORT, NODE_ADDRESS, S3_ENDPOINT
from harness.shell import Argument
from harness.system_images import ARGOEXEC

SUBMITTER = "tiphys-submitter"
COREFILE = """.:{port} {{
  bind {address}
  errors
  kubernetes cluster.local {{
    kubeconfig {kubeconfig}
    ttl 1
  }}
}}
"""


def create_definitions(cluster: Cluster) -> None:
    """Apply the CRDs, server side: a client would write an annotation too large for them."""
    cluster.kubectl("apply", "--server-side", "--filename", str(cluster.binaries / "crds"))


def create_objects(cluster: Cluster) -> None:
    """Apply our own objects; again, when there is a cluster already."""
    objects = cluster.places.sources / "objects"
    for name in ("argo", "flights", "rbac", "dns"):
        cluster.kubectl("apply", "--filename", str(objects / f"{name}.yaml"))
    install = cluster.places.repository / "manifests" / "ci" / "install.yaml"
    cluster.kubectl("apply", "--filename", str(install))
    cluster.kubectl("apply", "--filename", str(objects / "token.yaml"))  # of an account in there
    _create_data_cache(cluster.project)
    for namespace in (cluster, cluster.project):
        _create_keys(namespace, "s3")
    _create_keys(cluster.project, "s3-data")


def _create_keys(cluster: Cluster, name: str) -> None:
    """Make the Secret through which steps and Argo reach S3."""
    keys = {"accesskey": cluster.store.access_key, "secretkey": cluster.store.secret_key}
    literals = [f"--from-literal={key}={value}" for key, value in keys.items()]
    render = ("--dry-run=client", "--output=yaml")
    secret = cluster.kubectl("create", "secret", "generic", name, *literals, *render)
    cluster.kubectl("apply", "--filename=-", stdin=secret)


def _create_data_cache(cluster: Cluster) -> None:
    """Make the volume behind the claim `data-cache`: a folder that every node sees.

    Group 0 may write into it, as the project's pods have that group whatever their user.
    """
    folder = cluster.places.state / "data-cache"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o2775)
    spec = {
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "by-hand",
        "claimRef": {"namespace": cluster.namespace, "name": "data-cache"},
        "hostPath": {"path": str(folder)},
    }
    metadata = {"name": "data-cache"}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(volume))


def start_store(cluster: Cluster, daemons: Daemons) -> None:
    """Start the S3 server; a bucket is a folder."""
    folder = cluster.places.state / "s3"
    for bucket in BUCKETS:
        (folder / bucket).mkdir(parents=True, exist_ok=True)
    keys = {
        "ROOT_ACCESS_KEY": cluster.store.access_key,
        "ROOT_SECRET_KEY": cluster.store.secret_key,
    }
    address = S3_ENDPOINT.removeprefix("http://")
    command: list[Argument] = [cluster.binaries / "versitygw", "--port", address, "posix", folder]
    daemons.start("s3", command, env=keys)


def start_dns(cluster: Cluster, daemons: Daemons) -> None:
    config = cluster.places.state / "Corefile"
    config.write_text(
        COREFILE.format(port=DNS_PORT, address=NODE_ADDRESS, kubeconfig=cluster.places.admin)
    )
    daemons.start("coredns", [cluster.binaries / "coredns", "-conf", config])


def start_argo(cluster: Cluster, daemons: Daemons) -> None:
    """Start controller and server, and return once the server answers."""
    daemons.start(
        "workflow-controller",
        [
            cluster.binaries / "workflow-controller",
            f"--kubeconfig={cluster.places.admin}",
            f"--namespace={cluster.namespace}",
            f"--executor-image={ARGOEXEC}",
            "--executor-image-pull-policy=Never",
        ],
        env={
            "LEADER_ELECTION_DISABLE": "true",
            "DEFAULT_REQUEUE_TIME": "1s",  # Argo's own default is 10 s
            "ARGO_PROGRESS_PATCH_TICK_DURATION": "2s",  # ... and a minute
            "ARGO_POD_STATUS_CAPTURE_FINALIZER": "true",  # keeps the status of pods that vanish
        },
    )
    daemons.start(
        "argo-server",
        [
            cluster.binaries / "argo",
            "server",
            "--auth-mode=client",  # in `server` mode an unsigned webhook has the server's rights
            "--secure=false",
            f"--namespace={cluster.namespace}",
            f"--kubeconfig={cluster.places.admin}",
        ],
        env={
            "KUBECONFIG": str(cluster.places.identity / "nobody.kubeconfig")
        },  # acts as the caller
    )
    daemons.wait("argo-server", lambda: _answers(cluster))


def write_token(cluster: Cluster, daemons: Daemons) -> None:
    """Write the token of the project's submitter, once there is one, to `token` in the state."""
    daemons.wait("controller-manager", lambda: bool(_token(cluster)))
    file = cluster.places.state / "token"
    file.touch(mode=0o600)
    file.write_text(base64.b64decode(_token(cluster)).decode() + "\n")


def _token(cluster: Cluster) -> str:
    """Return the submitter's token as its Secret has it, empty while it has none."""
    encoded: str = cluster.project.get("secret", SUBMITTER).get("data", {}).get("token", "")
    return encoded


def _answers(cluster: Cluster) -> bool:
    try:
        cluster.argo("list")
    except HarnessError:
        return False
    return True
