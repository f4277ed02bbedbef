"""Where things lie, and the addresses inside the cluster's network namespace."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError

NODE_ADDRESS = "10.200.0.1"
API_SERVER = f"https://{NODE_ADDRESS}:6443"
ARGO_SERVER = f"{NODE_ADDRESS}:2746"
S3_ENDPOINT = f"http://{NODE_ADDRESS}:7070"
POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
DNS_PORT = 5353
NAMESPACE = "argo"
"""Of Argo itself, and of the workflows that compare it with the local engine."""
PROJECT_NAMESPACE = "flights"
"""Of the project, as its users would have one: Pod Security `restricted`."""
BUCKETS = ("artifacts", "registry", "checkpoints", "dvc")

LONGEST_STATE_BYTES = 107 - len("/node-cpu/kubelet/pod-resources/0123456789")
"""A Unix socket's path may have 107 bytes, and the kubelet makes some below its directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The directories of one cluster; two checkouts have two clusters that do not meet."""

    repository: Path
    state: Path
    """Everything of the running cluster; `down` deletes it."""
    cache: Path
    """Binaries and images, keyed by what they are made from; outlives every cluster."""

    @property
    def name(self) -> str:
        """What the network namespace, the cgroups and the socket directory are called."""
        return "tiphys-" + hashlib.sha256(str(self.state).encode()).hexdigest()[:8]

    @property
    def netns(self) -> Path:
        return Path("/run/netns") / self.name

    @property
    def sockets(self) -> Path:
        """Short, because a Unix socket's path may have no more than 107 bytes."""
        return Path("/run") / self.name

    @property
    def sources(self) -> Path:
        return self.repository / "tests" / "cluster"

    @property
    def identity(self) -> Path:
        return self.state / "identity"

    @property
    def admin(self) -> Path:
        return self.identity / "admin.kubeconfig"

    @property
    def ready(self) -> Path:
        """Written last by `up`: without it the cluster is half started."""
        return self.state / "ready"


def find() -> Places:
    """Return the places of the checkout this file lies in, as the environment changes them.

    Raises: HarnessError: the kubelets could not make their sockets in so long a path.
    """
    repository = Path(__file__).resolve().parents[3]
    given = os.environ.get("TIPHYS_CLUSTER_DIR") or repository / ".cluster"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    state = Path(given).resolve()
    if len(os.fsencode(state)) > LONGEST_STATE_BYTES:
        raise HarnessError(
            f"{state} is longer than the {LONGEST_STATE_BYTES} bytes that leave room for sockets"
            " below it: set TIPHYS_CLUSTER_DIR to a shorter one."
        )
    return Places(repository=repository, state=state, cache=Path(caches) / "tiphys-cluster")
