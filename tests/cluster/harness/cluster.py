"""A running cluster, as tests and shells see it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import git_daemon, registry
from harness.errors import HarnessError
from harness.membership import Membership, named
from harness.places import ARGO_SERVER, NAMESPACE, PROJECT_NAMESPACE, S3_ENDPOINT, Places
from harness.shell import Argument, inside, run

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStore:
    """How to reach the S3 server; its buckets are `places.BUCKETS`."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        """Return what S3 clients read."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Addresses, credentials and the two command-line clients."""

    places: Places
    binaries: Path
    store: ObjectStore
    namespace: str = NAMESPACE
    """Where the two clients look when nothing else is said."""
    server: str = f"http://{ARGO_SERVER}"

    @property
    def token(self) -> str:
        """The submitter's, without `Bearer`."""
        return (self.places.state / "token").read_text().strip()

    @property
    def project(self) -> "Cluster":
        """Return the same cluster, seen from the project's namespace."""
        return replace(self, namespace=PROJECT_NAMESPACE)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for the namespace."""
        special = self.namespace != NAMESPACE
        name = f"{self.namespace}.kubeconfig"
        return self.places.identity / name if special else self.places.admin

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which kubectl, argo and tiphys find this cluster."""
        return {
            **self.store.environment,
            "KUBECONFIG": str(self.kubeconfig),
            "ARGO_SERVER": ARGO_SERVER,
            "ARGO_SECURE": "false",
            "ARGO_HTTP1": "true",
            "ARGO_NAMESPACE": self.namespace,
            "ARGO_TOKEN": f"Bearer {self.token}",
            "PATH": f"{self.binaries}:{os.environ['PATH']}",
            "TIPHYS_CLUSTER_DIR": str(self.places.state),
        }

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Return what kubectl prints, as the cluster's administrator."""
        command: list[Argument] = [self.binaries / "kubectl", f"--kubeconfig={self.kubeconfig}"]
        return self._run([*command, *words], stdin=stdin)

    def get(self, *words: str) -> Json:
        """Return an object, or a list of them, as `kubectl get … -o json` prints it."""
        found: Json = json.loads(self.kubectl("get", *words, "-o", "json"))
        return found

    def argo(self, *words: str) -> str:
        """Return what the argo command prints, through Argo Server, as the submitter."""
        return self._run([self.binaries / "argo", *words], self.environment)

    def run_workflow(self, manifest: Path) -> Json:
        """Return the Workflow that the argo command made from *manifest*, once it is completed."""
        return self.ended(self.argo("submit", str(manifest), "--output=name").strip())

    def ended(self, name: str, seconds: int = 300) -> Json:
        """Return the Workflow *name* once it is completed; it has so many *seconds* for that."""
        limit = f"--timeout={seconds}s"
        self.kubectl("wait", "--for=condition=Completed", f"workflow/{name}", limit)
        return self.get("workflow", name)

    def run_pod(self, manifest: Json) -> Json:
        """Return the Pod of *manifest* once its one container ended, in place of an older one."""
        name = f"pod/{manifest['metadata']['name']}"
        self.kubectl("delete", name, "--now", "--ignore-not-found")
        self.kubectl("create", "--filename=-", stdin=json.dumps(manifest))
        ended = "--for=jsonpath={.status.containerStatuses[0].state.terminated.finishedAt}"
        self.kubectl("wait", ended, name, "--timeout=300s")
        return self.get(name)

    def lost_node(self, name: str) -> AbstractContextManager[None]:
        """Be without the node, and all that ran on it, for as long as the block runs.

        Kubernetes knows when the block begins. The node comes back with its images, GPUs, labels
        and taint.
        """
        return self.nodes.lost(named(name))

    def reboot_node(self, name: str) -> None:
        """Take the power from the node, and return once it is back and says how its pods ended."""
        self.nodes.reboot(named(name))

    def taint(self, name: str, key: str, value: str, effect: str) -> None:
        self.kubectl("taint", "node", name, f"{key}={value}:{effect}", "--overwrite")

    def untaint(self, name: str, key: str) -> None:
        self.kubectl("taint", "node", name, f"{key}-")

    @contextmanager
    def tainted(self, name: str, key: str, value: str, effect: str) -> Iterator[None]:
        """Have the node tainted for as long as the block runs."""
        self.taint(name, key, value, effect)
        try:
            yield
        finally:
            self.untaint(name, key)

    def git_daemon(self) -> AbstractContextManager[git_daemon.GitRemote]:
        """Serve an empty repository to pods for as long as the block runs."""
        return git_daemon.serve(self.places)

    def registry(self) -> AbstractContextManager[registry.Registry]:
        """Serve an empty registry of images to nodes for as long as the block runs."""
        return registry.serve(self.places, self.binaries)

    def run_inside(self, argv: Sequence[Argument]) -> str:
        """Return what *argv* prints in the cluster's network."""
        return self._run(argv, self.environment)

    @property
    def nodes(self) -> Membership:
        return Membership(places=self.places, binaries=self.binaries, kubectl=self.kubectl)

    def _run(
        self,
        argv: Sequence[Argument],
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
    ) -> str:
        command = inside(self.places.netns, argv)
        return run(command, env={**os.environ, **(env or {})}, stdin=stdin)


def connect(places: Places) -> Cluster:
    """Return the cluster that runs in *places*.

    Raises: HarnessError: there is none.
    """
    if not places.ready.exists():
        raise HarnessError(f"No cluster runs in {places.state}: `make cluster-up` starts one.")
    ready: Json = json.loads(places.ready.read_text())
    return describe(places, Path(ready["binaries"]))


def describe(places: Places, binaries: Path) -> Cluster:
    """Return the cluster of *places* and *binaries*, whether it runs already or not."""
    access_key, secret_key = (places.identity / "s3").read_text().split()
    store = ObjectStore(endpoint=S3_ENDPOINT, access_key=access_key, secret_key=secret_key)
    return Cluster(places=places, binaries=binaries, store=store)
