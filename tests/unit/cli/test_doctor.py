"""`tiphys doctor`, here and against servers that answer as Argo and Kubernetes do."""

import os
import subprocess

import pytest

from tests.fakes import argo_server, kubeconfig
from tiphys.cli import main

PROFILE = """\
namespace: ml
images: none
gang: jobset
tiers:
  small: {{requests: {{cpu: 1}}}}
  gpu:
    limits: {{nvidia.com/gpu: 1}}
    nodeSelector: {{pool: gpu}}
    onDemand: {{nodeSelector: {{pool: stays}}}}
source: archive
cache: nodes
storage: {{artifacts: a, registry: r, checkpoints: c, dvc: d, code: "{code}"}}
credentials: {{secret: s3, access: access, secretKey: secret}}
argo: {{server: "{server}", token: {{env: ARGO_TOKEN}}}}
"""
INSTALL = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: training}
spec: {entrypoint: main}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: tiphys-train}
---
apiVersion: v1
kind: Secret
metadata:
  name: tiphys-executor.service-account-token
  annotations: {kubernetes.io/service-account.name: tiphys-executor}
type: kubernetes.io/service-account-token
"""
PUSH = """\
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowEventBinding
metadata: {name: push-training}
spec: {event: {selector: "true"}}
"""
TEMPLATE = """\
kind: Secret
metadata: {name: argo-workflows-webhook-clients}
stringData:
  tiphys-push: |
    secret: ${WEBHOOK_SECRET}
"""
APPLIED = "kubectl apply -f manifests/far/install.yaml"
ENVSUBST = "envsubst < manifests/far/webhook-secret.yaml.template | kubectl apply -f -"
BELOW = "/api/v1/namespaces/ml"
ARGO = "/apis/argoproj.io/v1alpha1"
TOKEN = f"{BELOW}/secrets/tiphys-executor.service-account-token"
CLIENTS = f"{BELOW}/secrets/argo-workflows-webhook-clients"
KINDS = (
    "workflows",
    "workflowtemplates",
    "cronworkflows",
    "workflowtaskresults",
    "workfloweventbindings",
)
NODE = {
    "metadata": {"name": "n", "labels": {"pool": "gpu"}},
    "spec": {},
    "status": {"allocatable": {"cpu": "4", "nvidia.com/gpu": "1"}},
}
STAYS = {**NODE, "metadata": {"name": "s", "labels": {"pool": "stays"}}}


class Cluster:
    """Argo Server and the Kubernetes API of a cluster in which everything is well."""

    def __init__(self):
        self.replies = {
            "/api/v1/version": {"version": "v4.0.7"},
            "/api/v1/userinfo": {"subject": "me"},
            "/api/v1/info": {},
            "/api/v1/workflow-templates/ml/training": {
                "metadata": {"name": "training"},
                "spec": {"entrypoint": "main"},
            },
            ARGO: {"resources": [{"name": name} for name in KINDS]},
            "/apis/jobset.x-k8s.io/v1alpha2": {"resources": [{"name": "jobsets"}]},
            f"{BELOW}/secrets/s3": {"data": {"access": "x", "secret": "y"}},
            f"{BELOW}/persistentvolumeclaims/nodes": {"metadata": {"name": "nodes"}},
            f"{BELOW}/serviceaccounts/tiphys-train": {"metadata": {"name": "tiphys-train"}},
            TOKEN: {
                "metadata": {
                    "name": "tiphys-executor.service-account-token",
                    "annotations": {"kubernetes.io/service-account.name": "tiphys-executor"},
                },
                "type": "kubernetes.io/service-account-token",
                "data": {"token": "x"},
            },
            f"{ARGO}/namespaces/ml/workfloweventbindings/push-training": {
                "metadata": {"name": "push-training"},
                "spec": {"event": {"selector": "true"}},
            },
            CLIENTS: {"data": {"tiphys-push": "x"}},
            "/api/v1/nodes": {"items": [NODE, STAYS]},
        }
        self.denied = set()
        self.refused = {}

    def __call__(self, _, path, body):
        what = path.partition("?")[0].rstrip("/")
        if what in self.refused:
            return self.refused[what], {"message": f"{what} is not for you"}
        if what.endswith("selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            allowed = (asked["resource"], asked["verb"]) not in self.denied
            return 201, {"status": {"allowed": allowed}}
        if what.startswith("/api/v1/workflows/"):
            return 200, {"items": []}
        return (200, self.replies[what]) if what in self.replies else (404, {"message": "gone"})


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    folder = tmp_path / "manifests" / "far"
    folder.mkdir(parents=True)
    (tmp_path / "tiphys.toml").write_text("")
    (tmp_path / "code").mkdir()
    (folder / "install.yaml").write_text(INSTALL + PUSH)
    (folder / "webhook-secret.yaml.template").write_text(TEMPLATE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "ARGO_TOKEN", "t")
    made = Cluster()
    with argo_server(made) as server:
        code = (tmp_path / "code").as_uri()
        (folder / "profile.yaml").write_text(PROFILE.format(server=server, code=code))
        monkeypatch.setitem(os.environ, "KUBECONFIG", str(kubeconfig(tmp_path, server)))
        yield made


def examined(capsys, *words, code):
    assert main.run(["doctor", *words]) == code
    return capsys.readouterr().out


def test_a_cluster_that_has_all_is_well(cluster, capsys):
    del cluster
    printed = examined(capsys, "--on", "far", code=0)
    assert "✘" not in printed
    assert "All is there." in printed


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/workflow-templates/ml/training", APPLIED),
        ("/apis/jobset.x-k8s.io/v1alpha2", "Install the JobSet controller."),
        (f"{BELOW}/secrets/s3", "kubectl create secret generic s3 -n ml --from-literal=access"),
        (f"{BELOW}/persistentvolumeclaims/nodes", "claim nodes"),
        (f"{BELOW}/serviceaccounts/tiphys-train", "ServiceAccount tiphys-train"),
        (TOKEN, APPLIED),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(cluster, capsys, path, said):
    del cluster.replies[path]
    printed = examined(capsys, "--on", "far", code=1)
    assert said in printed
    assert "1 missing or wrong." in printed


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_that_argo_lacks_is_named(cluster, capsys, kind):
    cluster.replies[ARGO] = {"resources": [{"name": name} for name in KINDS if name != kind]}
    printed = examined(capsys, "--on", "far", code=1)
    assert f"✘ CRD {kind}" in printed
    assert "1 missing or wrong." in printed


def test_a_suspended_schedule_is_said_with_the_command_that_lets_it_go_on(
    cluster, capsys, tmp_path
):
    weekly = "kind: CronWorkflow\nmetadata: {name: weekly}\nspec: {schedules: [0 6 * * 1]}\n"
    (tmp_path / "manifests" / "far" / "install.yaml").write_text(f"{INSTALL}{PUSH}---\n{weekly}")
    there = {"metadata": {"name": "weekly"}, "spec": {"schedules": ["0 6 * * 1"], "suspend": True}}
    cluster.replies["/api/v1/cron-workflows/ml/weekly"] = there
    printed = examined(capsys, "--on", "far", code=0)
    assert "is suspended, otherwise as rendered" in printed
    assert "tiphys cron resume weekly --on far" in printed
    assert APPLIED not in printed


def test_without_a_push_binding_nothing_of_pushes_is_asked_for(cluster, capsys, tmp_path):
    (tmp_path / "manifests" / "far" / "install.yaml").write_text(INSTALL)
    del cluster.replies[CLIENTS]
    cluster.replies[ARGO] = {"resources": [{"name": name} for name in KINDS[:-1]]}
    assert "webhook" not in examined(capsys, "--on", "far", code=0)


def test_a_binding_in_a_file_of_its_own_needs_the_secret_too(cluster, capsys, tmp_path):
    folder = tmp_path / "manifests" / "far"
    (folder / "install.yaml").write_text(INSTALL)
    (folder / "push.yaml").write_text(PUSH)
    del cluster.replies[CLIENTS]
    printed = examined(capsys, "--on", "far", code=0)
    assert "does not exist, so pushes of a webhook are answered 403" in printed
    assert ENVSUBST in printed
    assert "1 to look at yourself" in printed


def test_a_webhook_secret_that_does_not_know_the_account_lets_no_push_in(cluster, capsys):
    cluster.replies[CLIENTS] = {"data": {"other": "x"}}
    printed = examined(capsys, "--on", "far", code=1)
    assert "has no tiphys-push" in printed
    assert ENVSUBST in printed


def test_secrets_that_may_not_be_read_hide_no_account(cluster, capsys):
    cluster.refused = {TOKEN: 403, CLIENTS: 403}
    printed = examined(capsys, "--on", "far", code=0)
    assert printed.count("not looked at") == 2
    assert "all 2 are as rendered" in printed


def test_a_missing_right_to_suspend_schedules_is_named(cluster, capsys):
    cluster.denied = {("cronworkflows", "patch")}
    assert "`tiphys cron suspend` and `resume` will be refused" in examined(
        capsys, "--on", "far", code=1
    )


def test_an_empty_pool_for_the_last_attempt_is_no_fault_but_said(cluster, capsys):
    cluster.replies["/api/v1/nodes"] = {"items": [NODE]}
    printed = examined(capsys, "--on", "far", code=0)
    assert "tier gpu, on demand" in printed
    assert "no such node now: none has pool=stays" in printed
    assert "All is there." not in printed


def test_a_missing_right_is_named(cluster, capsys):
    cluster.denied = {("pods", "delete")}
    assert "`tiphys retry` will be refused" in examined(capsys, "--on", "far", code=1)


def test_a_tier_that_no_node_takes_is_named(cluster, capsys):
    cluster.replies["/api/v1/nodes"] = {"items": [{**NODE, "metadata": {"name": "n"}}, STAYS]}
    assert "no node has pool=gpu" in examined(capsys, "--on", "far", code=1)


def test_what_may_not_be_looked_at_is_said_and_is_no_fault(cluster, capsys):
    for path in ("/api/v1/nodes", "/api/v1/namespaces/ml/secrets/s3"):
        cluster.refused[path] = 403
    printed = examined(capsys, "--on", "far", code=0)
    assert printed.count("not looked at") == 2


def test_another_argos_namespace_is_wrong(cluster, capsys):
    cluster.replies["/api/v1/info"] = {"managedNamespace": "other"}
    assert "this Argo is for other alone" in examined(capsys, "--on", "far", code=1)


def test_a_token_with_a_line_break_after_it_is_the_token(cluster, capsys, monkeypatch):
    del cluster
    monkeypatch.setitem(os.environ, "ARGO_TOKEN", "t\n")
    assert "All is there." in examined(capsys, "--on", "far", code=0)


def test_an_expired_token_is_the_last_that_is_looked_at(cluster, capsys):
    cluster.refused["/api/v1/userinfo"] = 401
    printed = examined(capsys, "--on", "far", code=1)
    assert "wrong or expired: set the variable that `argo.token` names" in printed
    assert "CRD" not in printed


def test_without_the_kubernetes_api_argos_answers_must_do(cluster, capsys, monkeypatch):
    del cluster
    monkeypatch.delitem(os.environ, "KUBECONFIG")
    assert "not looked at: KUBECONFIG is not set" in examined(capsys, "--on", "far", code=0)


def test_a_server_that_nobody_serves_ends_with_2(cluster, capsys, tmp_path):
    del cluster
    profile = tmp_path / "manifests" / "far" / "profile.yaml"
    profile.write_text(PROFILE.format(server="http://127.0.0.1:9", code="file:///nowhere"))
    assert main.run(["doctor", "--on", "far"]) == 2
    assert "no Argo Server answers here" in capsys.readouterr().err


def test_a_folder_without_git_says_what_to_type(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "git init" in examined(capsys, code=1)


def test_data_that_is_not_here_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    out = "{path: data, md5: 0123456789abcdef0123456789abcdef.dir}"
    (tmp_path / "dvc.lock").write_text(f"stages: {{a: {{outs: [{out}]}}}}")
    assert "data data" in examined(capsys, code=1)
    stored = tmp_path / ".dvc" / "cache" / "files" / "md5" / "01"
    stored.mkdir(parents=True)
    (stored / "23456789abcdef0123456789abcdef.dir").write_text("[]")
    assert "0123456789ab is in the cache" in examined(capsys, code=0)
