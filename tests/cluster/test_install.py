"""`install.yaml` in somebody's cluster: applied, compared, used without Tiphys, and taken away."""

import json
from pathlib import Path

import pytest
import yaml
from checkout import OURS, ROOT, assert_succeeded, copy_data
from harness.installation import installation

from tiphys.runtime import pack_project

pytestmark = pytest.mark.cluster

OPENSHIFT = {"runAsUser": 1000770000, "runAsGroup": 0}
MADE_BY_RUNS = "workflows,deployments,services"
EVERY_KIND = (
    f"{MADE_BY_RUNS},serviceaccounts,roles,rolebindings,secrets,workflowtemplates,cronworkflows,"
    "workfloweventbindings,pods,replicasets,configmaps"
)


@pytest.fixture(scope="module")
def installed(cluster, tmp_path_factory):
    """A namespace of its own, Pod Security `restricted` enforced, with everything applied."""
    with installation(cluster, tmp_path_factory.mktemp("install"), ROOT) as made:
        made.kubectl("apply", "-f", str(made.file))
        yield made


@pytest.fixture(scope="module")
def code(cluster):
    """The archive of the project's code, and its data, where a CI would have put them."""
    archive = pack_project(ROOT)
    folder = cluster.places.state / "s3" / "artifacts" / "code"
    folder.mkdir(exist_ok=True)
    (folder / "install-test.tgz").write_bytes(archive.archive)
    copy_data(cluster)
    return "install-test"


@pytest.fixture(scope="module")
def trained(installed, code):
    """A run of the training pipeline that kubectl alone has started, as any user of group 0."""
    given = [{"name": "code", "value": code}]
    spec = {
        "workflowTemplateRef": {"name": "training"},
        "securityContext": {**OPENSHIFT, "runAsNonRoot": True},
        "arguments": {"parameters": given},
    }
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
    return installed.run({**kind, "metadata": {"generateName": "training-"}, "spec": spec}, 900)


def test_applying_twice_changes_nothing_and_diff_finds_nothing(installed):
    again = installed.kubectl("apply", "-f", str(installed.file)).splitlines()

    assert again
    assert all(line.endswith(" unchanged") for line in again), again
    assert installed.kubectl("diff", "-f", str(installed.file)) == ""


def test_a_step_without_tiphys_writes_to_its_volumes_only_and_has_no_token(installed):
    workflow = yaml.safe_load(Path(__file__).with_name("restricted.yaml").read_text())
    done = installed.run(workflow)
    nodes = {node["displayName"]: node for node in done["status"]["nodes"].values()}

    assert_succeeded(done)
    (seen,) = nodes["write"]["outputs"]["parameters"]
    user, root, token = seen["value"].splitlines()
    assert user == "1000770000:0"
    assert root.endswith("Read-only file system")
    assert token.endswith("No such file or directory")
    (both,) = nodes["read"]["outputs"]["parameters"]
    assert both["value"] == "deep\npage"
    installed.kubectl("delete", "workflow", done["metadata"]["name"])  # not one of ours


def test_the_whole_pipeline_runs_restricted_as_any_user_of_group_0(trained, installed):
    assert_succeeded(trained)
    (deploy,) = (
        node
        for node in trained["status"]["nodes"].values()
        if node.get("templateName") == "deploy" and node["type"] == "Pod"
    )
    assert deploy["phase"] == "Succeeded"
    server = installed.get("deployment", "serve-flights")
    assert server["status"]["readyReplicas"] == 1
    assert server["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_the_argo_command_submits_what_was_installed(installed):
    made = installed.argo("submit", "--from", "workflowtemplate/training", "-o", "json")
    name = json.loads(made)["metadata"]["name"]
    installed.argo("terminate", name)
    installed.argo("delete", name)


def test_deleting_leaves_nothing_of_ours(trained, installed):
    assert trained["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "tiphys"

    installed.kubectl("delete", MADE_BY_RUNS, "-l", OURS)
    installed.kubectl("delete", "--ignore-not-found", "-f", str(installed.file))
    installed.kubectl("wait", "--for=delete", "pods", "-l", OURS, "--timeout=180s")

    left = {
        f"{each['kind']}/{each['metadata']['name']}"
        for each in installed.get(EVERY_KIND)["items"]
        if each["metadata"]["name"] not in {"s3", "s3-data", "default", "kube-root-ca.crt"}
    }
    assert left == set()
