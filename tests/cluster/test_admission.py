"""The policy of docs/production.md: what RBAC cannot say of the Deployment that deploy applies."""

import copy
import re

import pytest
import yaml
from checkout import ROOT
from harness.errors import HarnessError
from patience import until

from tiphys.ml.serving import kubernetes

pytestmark = pytest.mark.cluster

DOCS = ROOT / "docs" / "production.md"
PATIENCE_SECONDS = 60
KEY = {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "s3", "key": "a"}}}
SERVER = kubernetes.deployment(
    kubernetes.Server(model="flights", registry="s3://r", image="busybox", environment=(KEY,))
)


def _changed(change) -> dict:
    made = copy.deepcopy(SERVER)
    change(made["spec"]["template"]["spec"])
    return made


def _mount(pod):
    pod["volumes"].append({"name": "data", "secret": {"secretName": "s3-data"}})


def _read(pod):
    pod["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"] = "s3-data"


def _take(pod):
    pod["serviceAccountName"] = "tiphys-train-gang"


@pytest.fixture(scope="module")
def deploy(flights):
    """Return what the API server says to deploy's own token, once the policy is in force."""
    (policy,) = re.findall(r"```yaml\n(# deploy may give.*?)```", DOCS.read_text(), re.DOTALL)
    policy = policy.replace(":ml:", f":{flights.namespace}:")
    token = flights.kubectl("create", "token", "tiphys-deploy", "--duration=10m").strip()
    words = ("apply", "--server-side", "--force-conflicts", "--validate=false", "--dry-run=server")

    def answer(manifest: dict) -> str:
        try:
            return flights.kubectl(
                f"--token={token}", *words, "-f", "-", stdin=yaml.safe_dump(manifest)
            )
        except HarnessError as refused:
            return str(refused).replace(token, "…")

    flights.kubectl("apply", "-f", "-", stdin=policy)
    try:
        until(
            "the policy to be in force",
            lambda: "denied request" in answer(_changed(_take)),
            PATIENCE_SECONDS,
        )
        yield answer
    finally:
        flights.kubectl("delete", "-f", "-", stdin=policy)


def test_the_server_as_it_is_passes(deploy):
    assert "serverside-applied" in deploy(SERVER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_mount, "the server has empty volumes only"),
        (_read, "the server reads no Secret but s3"),
        (_take, "the server has no ServiceAccount of its own"),
    ],
)
def test_what_would_read_more_of_the_namespace_is_refused(deploy, change, said):
    assert said in deploy(_changed(change))
