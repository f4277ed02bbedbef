"""What `manifests/ci/install.yaml` makes of an empty namespace, apart from the project's own."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.cluster import Cluster, Json

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A namespace that Pod Security `restricted` guards, with storage of its own."""

    cluster: Cluster
    namespace: str
    bucket: Path
    """The folder that is its bucket."""

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Return what kubectl prints of this namespace, as the administrator."""
        return self.cluster.kubectl("--namespace", self.namespace, *words, stdin=stdin)

    def get(self, *words: str) -> Json:
        """Return an object of this namespace, or a list."""
        found: Json = json.loads(self.kubectl("get", *words, "-o", "json"))
        return found

    def token(self, account: str) -> str:
        """Return a token of *account*, good for an hour."""
        return self.kubectl("create", "token", account).strip()

    def argo(self, *words: str) -> str:
        """Return what the argo command prints, with a token of the installed submitter."""
        token = f"ARGO_TOKEN=Bearer {self.token('tiphys-submitter')}"
        command = ["env", token, "argo", *words, "--namespace", self.namespace]
        return self.cluster.run_inside(command)

    def run(self, workflow: Json, seconds: int = 300) -> Json:
        """Return *workflow* once it is completed; it has so many *seconds* for that."""
        made = json.loads(
            self.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(workflow))
        )
        return self.ended(made["metadata"]["name"], seconds)

    def ended(self, name: str, seconds: int = 300) -> Json:
        """Return the Workflow *name* once it is completed; it has so many *seconds* for that."""
        limit = f"--timeout={seconds}s"
        self.kubectl("wait", "--for=condition=Completed", f"workflow/{name}", limit)
        return self.get("workflow", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Installation):
    """One with the claim that the profile names, and the project's files written for it."""

    file: Path
    """What to apply to it."""


@contextmanager
def guarded(cluster: Cluster, namespace: str) -> Iterator[Installation]:
    """Make a namespace that Pod Security `restricted` guards, and its storage; then remove both.

    It has the Secrets that the profile names, and an empty bucket of its own name.
    """
    bucket = cluster.places.state / "s3" / namespace
    shutil.rmtree(bucket, ignore_errors=True)
    bucket.mkdir()
    cluster.kubectl("delete", "namespace", namespace, "--ignore-not-found")
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("label", "namespace", namespace, RESTRICTED)
    keys = {"accesskey": cluster.store.access_key, "secretkey": cluster.store.secret_key}
    literals = [f"--from-literal={key}={value}" for key, value in keys.items()]
    for name in ("s3", "s3-data"):
        cluster.kubectl("create", "secret", "generic", name, f"--namespace={namespace}", *literals)
    yield Installation(cluster=cluster, namespace=namespace, bucket=bucket)
    cluster.kubectl("delete", "namespace", namespace)
    shutil.rmtree(bucket)


@contextmanager
def installation(cluster: Cluster, folder: Path, root: Path) -> Iterator[Prepared]:
    """Make a namespace for the files of *root*, written for it below *folder*; then remove it.

    Its registry and checkpoints are its own too, so that other runs of the project keep theirs.
    """
    namespace = "tiphys-install"
    text = (root / "manifests/ci/install.yaml").read_text()
    own = re.sub(r"s3://(registry|checkpoints)", rf"s3://{namespace}/\1", text)
    documents = list(yaml.safe_load_all(own))
    for document in documents:
        _move(document, namespace)
    file = folder / "install.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    with guarded(cluster, namespace) as made:
        for each in _cache(cluster, namespace):
            cluster.kubectl("apply", "-f", "-", stdin=json.dumps(each))
        yield Prepared(cluster=cluster, namespace=namespace, bucket=made.bucket, file=file)
    cluster.kubectl("delete", "persistentvolume", namespace)
    shutil.rmtree(_cache_folder(cluster, namespace))


def _cache(cluster: Cluster, namespace: str) -> list[Json]:
    """Return the claim `data-cache` that the profile names, and a volume for it."""
    folder = _cache_folder(cluster, namespace)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o2775)
    common = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "by-hand",
    }
    volume = {
        **common,
        "capacity": {"storage": "10Gi"},
        "claimRef": {"namespace": namespace, "name": "data-cache"},
        "hostPath": {"path": str(folder)},
    }
    claim = {**common, "resources": {"requests": {"storage": "10Gi"}}, "volumeName": namespace}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": namespace},
            "spec": volume,
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data-cache", "namespace": namespace},
            "spec": claim,
        },
    ]


def _cache_folder(cluster: Cluster, namespace: str) -> Path:
    """Return a folder that no other test empties or fills."""
    return cluster.places.state / f"data-cache-{namespace}"


def _move(document: dict[str, Any], namespace: str) -> None:
    document["metadata"]["namespace"] = namespace
    for subject in document.get("subjects", ()):
        subject["namespace"] = namespace
