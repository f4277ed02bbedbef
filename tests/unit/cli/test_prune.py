"""`tiphys prune`, here and against servers that answer as Argo and Kubernetes do."""

import os
from datetime import timedelta
from pathlib import Path

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


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Return the paths of what was deleted, and the folder of the archives of a cluster."""
    code = tmp_path / "code"
    code.mkdir()
    for name in ("wanted", "scheduled", "unknown", "latest"):
        (code / f"{name}.tgz").write_bytes(b"x")
        old(code / f"{name}.tgz")
    (code / "fresh.tgz").write_bytes(b"x")
    deleted = []

    def parameters(value):
        return {"arguments": {"parameters": [{"name": "code", "value": value}]}}

    def gang(name, of):
        labels = {"tiphys.dev/workflow": of}
        created = "2026-01-01T00:00:00Z"
        return {"metadata": {"name": name, "labels": labels, "creationTimestamp": created}}

    def answer(method, path, _):
        what = path.partition("?")[0].rstrip("/")
        if method == "DELETE":
            deleted.append(what.rpartition("/")[2])
        items = {
            "/api/v1/workflows/ml": [live, done],
            "/api/v1/workflow-templates/ml": [{"spec": parameters("latest")}],
            "/api/v1/cron-workflows/ml": [
                {"metadata": {"name": "c"}, "spec": {"workflowSpec": parameters("scheduled")}}
            ],
            "/apis/jobset.x-k8s.io/v1alpha2/namespaces/ml/jobsets": [
                gang("gang-live", "live"),
                gang("gang-done", "done"),
                gang("gang-gone", "gone"),
            ],
        }
        return 200, {"items": items.get(what, [])}

    live, done = run(tasks=[]), run(tasks=[], phase="Failed")
    live["metadata"]["name"], done["metadata"]["name"] = "live", "done"
    done["spec"] |= parameters("wanted")
    folder = tmp_path / "manifests" / "far"
    folder.mkdir(parents=True)
    (tmp_path / "tiphys.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "ARGO_TOKEN", "t")
    with argo_server(answer) as server:
        (folder / "profile.yaml").write_text(PROFILE.format(server=server, code=code.as_uri()))
        monkeypatch.setitem(os.environ, "KUBECONFIG", str(kubeconfig(tmp_path, server)))
        yield deleted, code


def test_gangs_of_ended_runs_and_archives_of_none_are_deleted(there, capsys):
    deleted, code = there
    printed = said(capsys, "--on", "far")
    assert "its run done has ended" in printed
    assert "there is no run gone any more" in printed
    assert "Type: tiphys prune --on far --yes" in printed
    assert deleted == []
    said(capsys, "--on", "far", "--yes")
    assert deleted == ["gang-done", "gang-gone"]
    left = {path.stem for path in code.iterdir()}
    assert left == {"wanted", "scheduled", "latest", "fresh"}


def test_without_the_kubernetes_api_gangs_are_not_looked_at(there, capsys, monkeypatch):
    deleted, _ = there
    monkeypatch.delitem(os.environ, "KUBECONFIG")
    assert "not looked at  gangs" in said(capsys, "--on", "far", "--yes")
    assert deleted == []


@pytest.mark.parametrize("age", ["soon", "99999999d", "9999999999999d"])
@pytest.mark.usefixtures("here")
def test_an_age_that_is_none_is_refused(capsys, age):
    assert main.run(["prune", "--older-than", age]) == 2
    assert "Write 30d, 12h or 90m." in capsys.readouterr().err


def test_archives_that_nobody_may_look_at_hide_no_gang(there, capsys):
    profile = Path("manifests/far/profile.yaml")
    profile.write_text(profile.read_text().replace(there[1].as_uri(), "s3://code"))
    printed = said(capsys, "--on", "far")
    assert "gang-done" in printed
    assert "not looked at  archives: s3://code: " in printed
    assert "AWS_ACCESS_KEY_ID" in printed


def test_a_profile_without_a_place_for_code_has_no_archives(there, capsys):
    profile = Path("manifests/far/profile.yaml")
    profile.write_text(profile.read_text().replace(there[1].as_uri(), ""))
    printed = said(capsys, "--on", "far")
    assert "gang-done" in printed
    assert "archive " not in printed
    assert "not looked at" not in printed
