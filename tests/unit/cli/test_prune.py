"""`tiphys prune`, here and against servers that answer as Argo and Kubernetes do."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.fakes import Silence, argo_server, kubeconfig, run
from tiphys import runtime
from tiphys.cli import main
from tiphys.runtime.clock import SystemClock

OLD = SystemClock().now() - timedelta(days=40)
PROFILE = """\
namespace: ml
images: none
tiers: {{small: {{requests: {{cpu: 1}}}}}}
source: archive
storage: {{artifacts: a, registry: r, checkpoints: c, dvc: d, code: "{code}"}}
argo: {{server: "{server}", token: {{env: ARGO_TOKEN}}}}
"""
MANIFEST = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: hello}
spec:
  entrypoint: a
  arguments: {parameters: [{name: code, value: none}]}
  templates:
  - name: a
    container: {image: busybox, command: [echo, "{{workflow.parameters.code}}"]}
"""


def old(path):
    os.utime(path, (OLD.timestamp(), OLD.timestamp()))


def said(capsys, *words, code=0):
    assert main.run(["prune", *words]) == code
    return capsys.readouterr().out


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return a folder with two ended runs, one of them old, and two old archives."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(MANIFEST)
    for name, code in (("ancient", "aaa"), ("young", "bbb")):
        request = runtime.RunRequest(
            files=(tmp_path / "w.yaml",), name=name, root=tmp_path, parameters={"code": code}
        )
        assert runtime.run(request, Silence()).phase == "Succeeded"
        stored = tmp_path / ".tiphys" / "artifacts" / "code" / f"{code}.tgz"
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_bytes(b"x")
        old(stored)
    left = tmp_path / ".tiphys" / "artifacts" / "ancient"
    left.mkdir()
    (left / "model.tgz").write_bytes(b"x" * 2048)
    old(tmp_path / ".tiphys" / "runs" / "ancient" / "status.json")
    return tmp_path


def test_nothing_is_deleted_without_yes(here, capsys):
    printed = said(capsys)
    assert "ancient" in printed
    assert "young" not in printed
    assert "Nothing is deleted yet. Type: tiphys prune --yes" in printed
    assert (here / ".tiphys" / "runs" / "ancient").exists()


def test_an_old_run_goes_with_its_artifacts_then_its_archive(here, capsys):
    assert "deleted  run ancient" in said(capsys, "--yes")
    assert not (here / ".tiphys" / "runs" / "ancient").exists()
    assert not (here / ".tiphys" / "artifacts" / "ancient").exists()
    assert "deleted  archive aaa" in said(capsys, "--yes")
    archives = [path.stem for path in (here / ".tiphys" / "artifacts" / "code").iterdir()]
    assert archives == ["bbb"]
    assert "There is nothing to delete." in said(capsys)


def test_an_interrupted_run_is_kept_at_any_age(here, capsys):
    journal = here / ".tiphys" / "runs" / "ancient" / "journal.jsonl"
    journal.write_text(journal.read_text().splitlines()[0] + "\n")
    (journal.parent / "status.json").unlink()
    assert "ancient" not in said(capsys, "--older-than", "0m")


def test_an_age_has_a_unit(capsys):
    assert main.run(["prune", "--older-than", "7"]) == 2
    assert "Write 30d, 12h or 90m." in capsys.readouterr().err


def parameters(value):
    return {"arguments": {"parameters": [{"name": "code", "value": value}]}}


def gang(of):
    """Return the gang of the run *of*, whose launcher is a pod of that name."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": f"pod-{of}", "uid": f"u-{of}"}
    metadata = {
        "name": f"gang-{of}",
        "uid": f"g-{of}",
        "labels": {"tiphys.dev/workflow": of},
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [owner],
    }
    return {"metadata": metadata}


def known(name, phase):
    one = run(tasks=[], phase=phase)
    one["metadata"]["name"] = name
    return one


class Cluster:
    """Argo Server and the Kubernetes API of a cluster: runs, gangs, and the launchers of those."""

    def __init__(self):
        self.deleted = []
        live, done = known("live", "Running"), known("done", "Failed")
        done["spec"] |= parameters("wanted")
        self.runs = {"live": live, "done": done, "@latest": live}
        self.listed = {"metadata": {"resourceVersion": "7"}, "items": [live, done]}
        self.gangs = {of: gang(of) for of in ("live", "done", "gone")}
        self.pods = {
            f"pod-{of}": {"metadata": {"uid": f"u-{of}"}, "status": {"phase": phase}}
            for of, phase in (("live", "Running"), ("done", "Failed"), ("gone", "Succeeded"))
        }

    def __call__(self, method, path, body):
        folder, _, name = path.partition("?")[0].rpartition("/")
        if method == "DELETE":
            self.deleted.append((name, body["preconditions"]["uid"]))
            return 200, {}
        if path.startswith("/api/v1/workflows/ml/"):
            return self.found(self.runs, unquote(name))
        if folder.endswith("/pods"):
            return self.found(self.pods, name)
        weekly = {"metadata": {"name": "c"}, "spec": {"workflowSpec": parameters("scheduled")}}
        replies = {
            "/api/v1/workflows": self.listed,
            "/api/v1/workflow-templates": {"items": [{"spec": parameters("latest")}]},
            "/api/v1/cron-workflows": {"items": [weekly]},
            "/apis/jobset.x-k8s.io/v1alpha2/namespaces/ml": {"items": [*self.gangs.values()]},
        }
        return 200, replies[folder]

    @staticmethod
    def found(objects, name):
        return (200, objects[name]) if name in objects else (404, {"message": "not found"})


@pytest.fixture
def code(tmp_path):
    """Return the folder of a cluster's archives of the code."""
    made = tmp_path / "code"
    made.mkdir()
    for name in ("wanted", "scheduled", "unknown", "latest"):
        (made / f"{name}.tgz").write_bytes(b"x")
        old(made / f"{name}.tgz")
    (made / "fresh.tgz").write_bytes(b"x")
    return made


@pytest.fixture
def there(tmp_path, monkeypatch, code):
    cluster = Cluster()
    folder = tmp_path / "manifests" / "far"
    folder.mkdir(parents=True)
    (tmp_path / "tiphys.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "ARGO_TOKEN", "t")
    with argo_server(cluster) as server:
        (folder / "profile.yaml").write_text(PROFILE.format(server=server, code=code.as_uri()))
        monkeypatch.setitem(os.environ, "KUBECONFIG", str(kubeconfig(tmp_path, server)))
        yield cluster


def left(code):
    return {path.stem for path in code.iterdir()}


def test_gangs_of_ended_runs_and_archives_of_none_are_deleted(there, capsys, code):
    printed = said(capsys, "--on", "far")
    assert "its run done has ended" in printed
    assert "there is no run gone any more" in printed
    assert "Type: tiphys prune --on far --yes" in printed
    assert there.deleted == []
    said(capsys, "--on", "far", "--yes")
    assert there.deleted == [("gang-done", "g-done"), ("gang-gone", "g-gone")]
    assert left(code) == {"wanted", "scheduled", "latest", "fresh"}


def test_a_gang_whose_launcher_runs_is_kept_whatever_another_cluster_knows(there, capsys):
    """`argo.server` and KUBECONFIG may be of two clusters."""
    for pod in there.pods.values():
        pod["status"]["phase"] = "Running"
    assert "gang" not in said(capsys, "--on", "far", "--yes")
    assert there.deleted == []


def test_a_launcher_of_the_same_name_is_not_the_one_that_is_gone(there, capsys):
    there.pods["pod-done"] = {"metadata": {"uid": "other"}, "status": {"phase": "Running"}}
    del there.pods["pod-gone"]
    said(capsys, "--on", "far", "--yes")
    assert [name for name, _ in there.deleted] == ["gang-done", "gang-gone"]


def test_a_gang_that_no_launcher_has_made_is_left_alone(there, capsys):
    del there.gangs["gone"]["metadata"]["ownerReferences"]
    assert "gang-gone" not in said(capsys, "--on", "far")


def test_a_run_that_is_not_listed_is_asked_for_before_its_gang_goes(there, capsys):
    there.listed = {"metadata": {}, "items": []}
    there.pods["pod-live"]["status"]["phase"] = "Failed"
    said(capsys, "--on", "far", "--yes")
    assert [name for name, _ in there.deleted] == ["gang-done", "gang-gone"]


@pytest.mark.parametrize(
    "listed",
    [
        {"metadata": {}, "items": []},
        {"metadata": {}, "items": [known("live", "Running")]},
        {"metadata": {"resourceVersion": "7"}, "items": None},
        {"metadata": {"resourceVersion": "7"}, "items": [known("done", "Failed")]},
    ],
    ids=["nothing read", "only the archive's", "another namespace", "not the newest"],
)
def test_a_list_that_may_lack_runs_condemns_no_archive(there, capsys, code, listed):
    there.listed = listed
    printed = said(capsys, "--on", "far", "--yes")
    assert "not looked at  archives: " in printed
    assert "Try again in a minute." in printed
    assert "unknown" in left(code)
    assert "gang-done" in printed


def test_without_any_run_archives_of_none_are_deleted(there, capsys, code):
    there.listed, there.runs = {"metadata": {"resourceVersion": "7"}, "items": None}, {}
    said(capsys, "--on", "far", "--yes")
    assert left(code) == {"scheduled", "latest", "fresh"}


def test_without_the_kubernetes_api_gangs_are_not_looked_at(there, capsys, monkeypatch):
    monkeypatch.delitem(os.environ, "KUBECONFIG")
    assert "not looked at  gangs" in said(capsys, "--on", "far", "--yes")
    assert there.deleted == []


@pytest.mark.parametrize("age", ["soon", "99999999d", "9999999999999d"])
@pytest.mark.usefixtures("here")
def test_an_age_that_is_none_is_refused(capsys, age):
    assert main.run(["prune", "--older-than", age]) == 2
    assert "Write 30d, 12h or 90m." in capsys.readouterr().err


@pytest.mark.usefixtures("there")
def test_archives_that_nobody_may_look_at_hide_no_gang(capsys, code):
    profile = Path("manifests/far/profile.yaml")
    profile.write_text(profile.read_text().replace(code.as_uri(), "s3://store/code"))
    printed = said(capsys, "--on", "far")
    assert "gang-done" in printed
    assert "not looked at  archives: s3://store/code: " in printed
    assert "AWS_ACCESS_KEY_ID" in printed


@pytest.mark.usefixtures("there")
def test_a_profile_without_a_place_for_code_has_no_archives(capsys, code):
    profile = Path("manifests/far/profile.yaml")
    profile.write_text(profile.read_text().replace(code.as_uri(), ""))
    printed = said(capsys, "--on", "far")
    assert "gang-done" in printed
    assert "archive " not in printed
    assert "not looked at" not in printed
