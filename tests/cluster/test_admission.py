"""The policies of docs/production.md: what RBAC cannot say of the pods that two accounts make."""

import copy
import json
import re
from dataclasses import dataclass

import pytest
import yaml
from checkout import ROOT
from harness.cluster import Cluster
from harness.errors import HarnessError
from patience import until

from tiphys.ml.serving import kubernetes

pytestmark = pytest.mark.cluster

DOCS = ROOT / "docs" / "production.md"
PATIENCE_SECONDS = 180
KEY = {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "s3", "key": "a"}}}


def server() -> dict:
    """Return the Deployment that `deploy` applies."""
    asked = kubernetes.Server(
        model="flights", registry="s3://r", image="busybox", environment=(KEY,)
    )
    return kubernetes.deployment(asked)


def gang() -> dict:
    """Return a JobSet with the pods that the rendered launcher makes."""
    documents = yaml.safe_load_all((ROOT / "manifests/ci/distributed.yaml").read_text())
    templates = next(documents)["spec"]["templates"]
    (train,) = (one for one in templates if one["name"] == "train")
    (told,) = (e["value"] for e in train["container"]["env"] if e["name"] == "TIPHYS_GANG")
    pod = json.loads(re.sub(r"{{=.*?}}(Gi)?", "1", told))["pod"] | {"restartPolicy": "Never"}
    job = {"template": {"spec": pod}}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": "gang-lab"},
        "spec": {"replicatedJobs": [{"name": "node", "replicas": 1, "template": {"spec": job}}]},
    }


def pod_of(manifest: dict) -> dict:
    if manifest["kind"] == "Deployment":
        return manifest["spec"]["template"]["spec"]
    return manifest["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]


def mount(pod):
    pod["volumes"].append({"name": "data", "secret": {"secretName": "others"}})


def read(pod):
    pod["containers"][0]["env"].append(
        {"name": "OTHERS", "valueFrom": {"secretKeyRef": {"name": "others", "key": "a"}}}
    )


def take(pod):
    pod["serviceAccountName"] = "tiphys-executor"


def take_by_the_old_field(pod):
    pod["serviceAccount"] = "tiphys-executor"


@dataclass(frozen=True)
class Account:
    """A step's, and what it makes."""

    flights: Cluster
    token: str
    manifest: dict
    words: tuple

    def answer(self, change=lambda _pod: None) -> str:
        """Return what the API server says to the manifest with a *change* of its pod."""
        made = copy.deepcopy(self.manifest)
        change(pod_of(made))
        words = (f"--token={self.token}", *self.words, "--dry-run=server", "-f", "-")
        try:
            return self.flights.kubectl(*words, stdin=yaml.safe_dump(made))
        except HarnessError as refused:
            return str(refused).replace(self.token, "…")


ACCOUNTS = {
    "tiphys-deploy": (
        server,
        ("apply", "--server-side", "--force-conflicts", "--validate=false"),
    ),
    "tiphys-train-gang": (gang, ("create", "--validate=false")),
}


@pytest.fixture(scope="module")
def policies(flights):
    """Put the policies in force."""
    (text,) = re.findall(r"```yaml\n(# deploy may give.*?)```", DOCS.read_text(), re.DOTALL)
    text = text.replace(":ml:", f":{flights.namespace}:")
    flights.kubectl("apply", "-f", "-", stdin=text)
    yield
    flights.kubectl("delete", "-f", "-", stdin=text)


@pytest.fixture(scope="module", params=ACCOUNTS)
def account(request, flights, policies):
    """Return one of the accounts, once its policy is in force."""
    del policies
    manifest, words = ACCOUNTS[request.param]
    token = flights.kubectl("create", "token", request.param, "--duration=10m").strip()
    found = Account(flights, token, manifest(), words)
    until(
        "the policy to be in force",
        lambda: "denied request" in found.answer(take),
        PATIENCE_SECONDS,
    )
    return found


def test_what_the_step_makes_passes(account):
    assert re.search(r"serverside-applied|created", account.answer())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (mount, r"(the server|a gang) has empty volumes"),
        (read, r"(the server|a gang) reads no Secret but s3"),
        (take, r"(the server|a gang) has no ServiceAccount of its own"),
        (take_by_the_old_field, r"(the server|a gang) has no ServiceAccount of its own"),
    ],
)
def test_what_would_read_more_of_the_namespace_is_refused(account, change, said):
    assert re.search(said, account.answer(change))
