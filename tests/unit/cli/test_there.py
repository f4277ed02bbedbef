"""The commands with `--on`, against a server that answers as Argo does."""

import json
import os
from pathlib import Path

import pytest

from tests.fakes import argo_server, node, run
from tiphys.cli import main
from tiphys.engine.status import held

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
kind: WorkflowTemplate
metadata: {name: pipeline}
spec:
  entrypoint: a
  arguments: {parameters: [{name: code, value: latest}, {name: revision, value: main}]}
  templates:
  - name: a
    container: {image: busybox, command: ["true"]}
"""


class Argo:
    """An Argo Server that knows one run and remembers what it was asked."""

    def __init__(self):
        report = {"name": "report", "s3": {"key": "r/report.html"}}
        packed = {"name": "model", "s3": {"key": "r/model.tgz"}}
        left = {"artifacts": [report, packed], "parameters": [{"name": "summary", "value": "good"}]}
        self.run = run(node("a-1", outputs=left), tasks=[{"name": "a-1"}], phase="Succeeded")
        self.lines = ['tiphys.metric {"name": "loss", "value": 1}']
        self.asked = []

    def __call__(self, method, path, body):
        self.asked.append((method, path, body))
        if "/log" in path:
            return 200, [{"result": {"podName": "r-a-1", "content": each}} for each in self.lines]
        if path.startswith("/artifacts/"):
            return 200, {"an": "artifact"}
        if method == "GET" and path.endswith("/workflow-templates/ml/pipeline"):
            return 404, {"message": "not found"}
        if path.endswith("/workflows/ml"):
            return 200, {"metadata": {"name": "r"}} if method == "POST" else {"items": [self.run]}
        if method == "PUT":
            self.steer(path.rpartition("/")[2], body)
        return 200, self.run

    def steer(self, verb, body):
        """Do to suspend steps what Argo Server does: ResumeWorkflow, SetWorkflow of util.go."""
        if verb == "resume":
            self.run["spec"].pop("suspend", None)
            self.set(phase="Succeeded")
        elif verb == "set":
            assert body["nodeFieldSelector"] == "phase=Running"
            self.set(phase=body["phase"], message=body["message"])

    def set(self, **fields):
        for one in held(self.run):
            one.update(fields)


@pytest.fixture
def argo(tmp_path, monkeypatch):
    server = Argo()
    folder = tmp_path / "manifests" / "far"
    folder.mkdir(parents=True)
    (tmp_path / "tiphys.toml").write_text("")
    (folder / "pipeline.yaml").write_text(MANIFEST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "ARGO_TOKEN", "t")
    with argo_server(server) as address:
        code = (tmp_path / "code").as_uri()
        (folder / "profile.yaml").write_text(PROFILE.format(server=address, code=code))
        (tmp_path / "code").mkdir()
        yield server


def test_a_run_brings_code_and_template_there_and_is_watched_to_its_end(argo, capsys):
    assert main.run(["run", "pipeline", "--on", "far", "-p", "revision=x"]) == 0
    created = next(body for method, path, body in argo.asked if path.endswith("/workflows/ml"))
    given = {p["name"]: p["value"] for p in created["workflow"]["spec"]["arguments"]["parameters"]}
    assert given["revision"] == "x"
    assert Path("code", f"{given['code']}.tgz").exists()
    printed = capsys.readouterr().out
    assert "good" in printed
    assert Path(".tiphys/pages/far/r.html").exists()


def test_a_run_gets_the_name_it_was_given_and_tells_its_file(argo):
    main.run(["run", "pipeline", "--on", "far", "--name", "mine"])
    created = next(body for _, path, body in argo.asked if path.endswith("/workflows/ml"))
    metadata = created["workflow"]["metadata"]
    assert metadata["name"] == "mine"
    assert len(metadata["annotations"]["tiphys.dev/manifest-sha256"]) == 64


@pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 1)])
def test_how_a_run_ended_is_told_though_its_logs_are_lost(argo, capsys, phase, code):
    argo.lines = []
    argo.run["status"].update(phase=phase, message="so it ended")

    assert main.run(["watch", "r", "--on", "far"]) == code

    assert ("so it ended" in capsys.readouterr().out) == (phase == "Failed")
    assert Path(".tiphys/pages/far/r.html").exists()
    assert main.run(["logs", "r", "--on", "far"]) == 2
    assert "no log is left" in capsys.readouterr().err


def test_ctrl_c_ends_the_watching_and_not_the_run(argo, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tiphys.cluster.verbs.watch", lambda *_: map(interrupted, [1]))
    assert main.run(["run", "pipeline", "--on", "far"]) == 130
    assert "goes on" in capsys.readouterr().out
    assert not [path for _, path, _ in argo.asked if path.endswith("/stop")]


def test_the_templates_of_the_manifest_are_applied_before(argo):
    main.run(["run", "pipeline", "--on", "far", "-o", "json"])
    posts = [path for method, path, _ in argo.asked if method == "POST"]
    assert posts == ["/api/v1/workflow-templates/ml", "/api/v1/workflows/ml"]


def test_list_get_and_logs_ask_the_server(argo, capsys):
    assert main.run(["list", "--on", "far"]) == 0
    assert main.run(["get", "r", "--on", "far", "-o", "json"]) == 0
    assert main.run(["logs", "r", "a-1", "--on", "far"]) == 0
    printed = capsys.readouterr().out
    assert "Succeeded" in printed
    assert json.loads(printed[printed.index("{") : printed.rindex("}\n") + 1].split("\ntiphys")[0])
    assert "tiphys.metric" in printed
    assert argo.asked


@pytest.mark.parametrize(
    "fitting",
    [
        ("stop", "Running", "r is told to stop.", 0),
        ("terminate", "Running", "r is told to end.", 0),
        ("suspend", "Running", "r is suspended. Go on with: tiphys resume r --on far", 0),
        ("delete", "Succeeded", "r is deleted.", 0),
        ("watch", "Succeeded", "r  Succeeded", 0),
        ("resubmit", "Succeeded", "r  Succeeded", 0),
        ("retry", "Failed", "r  Failed", 1),
    ],
    ids=lambda fitting: fitting[0],
)
def test_a_verb_that_fits_is_asked_of_the_server(argo, capsys, fitting):
    verb, phase, told, code = fitting
    argo.run["status"]["phase"] = phase
    assert main.run([verb, "r", "--on", "far"]) == code
    assert told in capsys.readouterr().out
    asked = [path for method, path, _ in argo.asked if method in {"PUT", "DELETE"}]
    path = "" if verb == "delete" else f"/{verb}"
    assert asked == ([] if verb == "watch" else [f"/api/v1/workflows/ml/r{path}"])


@pytest.mark.parametrize(
    ("verb", "phase", "said"),
    [
        ("stop", "Failed", "it has ended: Failed. There is nothing to stop."),
        ("terminate", "Failed", "it has ended: Failed. There is nothing to stop."),
        ("suspend", "Failed", "it has ended: Failed. There is nothing to suspend."),
        ("resume", "Failed", "`tiphys retry r --on far` runs what failed again."),
        ("resume", "Running", "it is not suspended."),
        ("retry", "Succeeded", "it has ended: Succeeded. There is nothing to retry."),
        ("retry", "Running", "it has not ended. End it with `tiphys terminate r --on far` first."),
        ("delete", "Running", "it has not ended. End it with `tiphys terminate r --on far` first."),
    ],
)
def test_a_verb_that_does_not_fit_says_why_and_asks_nothing(argo, capsys, verb, phase, said):
    argo.run["status"]["phase"] = phase
    assert main.run([verb, "r", "--on", "far"]) == 2
    assert said in capsys.readouterr().err
    assert {method for method, _, _ in argo.asked} == {"GET"}


@pytest.mark.parametrize("verb", ["stop", "terminate"])
def test_a_suspended_run_is_let_go_when_it_is_ended(argo, verb):
    argo.run["status"]["phase"] = "Running"
    argo.run["spec"]["suspend"] = True
    assert main.run([verb, "r", "--on", "far"]) == 0
    asked = [path.rpartition("/")[2] for method, path, _ in argo.asked if method == "PUT"]
    assert asked == [verb, "resume"]


def waits(argo):
    """Let the run wait at an approval, and return the node of it."""
    argo.run["status"]["phase"] = "Running"
    approve = node("approve", type="Suspend", phase="Running")
    argo.run["status"]["nodes"]["r.approve"] = approve
    return approve


@pytest.mark.parametrize("verb", ["stop", "terminate"])
def test_ending_a_run_at_an_approval_leaves_the_approval_to_argo_which_fails_it(argo, verb):
    approve = waits(argo)

    assert main.run([verb, "r", "--on", "far"]) == 0

    asked = [path.rpartition("/")[2] for method, path, _ in argo.asked if method == "PUT"]
    assert asked == [verb]
    assert approve["phase"] == "Running"


@pytest.mark.parametrize("verb", ["stop", "terminate"])
def test_an_approval_in_a_suspended_run_is_failed_before_the_run_is_let_go(argo, verb):
    approve = waits(argo)
    argo.run["spec"]["suspend"] = True

    assert main.run([verb, "r", "--on", "far"]) == 0

    asked = [path.rpartition("/")[2] for method, path, _ in argo.asked if method == "PUT"]
    assert asked == ["set", verb, "resume"]
    said = f"Stopped with strategy '{verb.capitalize()}'"
    assert (approve["phase"], approve["message"]) == ("Failed", said)


def test_a_suspended_run_goes_on(argo, capsys):
    argo.run["status"]["phase"] = "Running"
    argo.run["spec"]["suspend"] = True
    assert main.run(["resume", "r", "--on", "far"]) == 0
    assert "r goes on." in capsys.readouterr().out
    assert argo.asked[-1][1].endswith("/r/resume")


def test_a_manifest_that_is_wrong_is_refused_before_anything_is_sent(argo, capsys):
    Path("manifests/far/pipeline.yaml").write_text(
        MANIFEST.replace("entrypoint: a", "entrypoint: b")
    )
    assert main.run(["run", "pipeline", "--on", "far"]) == 2
    assert 'no template "b"' in capsys.readouterr().err
    assert argo.asked == []


def test_a_value_that_a_parameter_does_not_list_is_refused_before_anything_is_sent(argo, capsys):
    listed = "{name: revision, value: main, enum: [main, next]}"
    file = Path("manifests/far/pipeline.yaml")
    file.write_text(MANIFEST.replace("{name: revision, value: main}", listed))

    assert main.run(["run", "pipeline", "--on", "far", "-p", "revision=last"]) == 2

    said = 'parameter "revision" is "last". It may be one of: main, next.'
    assert said in capsys.readouterr().err
    assert argo.asked == []


@pytest.mark.usefixtures("argo")
def test_an_unknown_profile_or_manifest_names_those_there_are(capsys):
    assert main.run(["list", "--on", "fra"]) == 2
    assert 'Did you mean "far"?' in capsys.readouterr().err
    assert main.run(["run", "pipelin", "--on", "far"]) == 2
    assert 'Did you mean "pipeline"?' in capsys.readouterr().err


@pytest.mark.parametrize("token", ["…", "two words", "a\nb", "Bearer …"])
def test_a_token_that_is_none_is_refused_and_told_to_nobody(argo, capsys, monkeypatch, token):
    monkeypatch.setitem(os.environ, "ARGO_TOKEN", token)

    assert main.run(["list", "--on", "far"]) == 2

    said = capsys.readouterr().err
    assert "the environment variable ARGO_TOKEN holds no token" in said
    assert len(said.splitlines()) == 1
    assert token not in said
    assert argo.asked == []
