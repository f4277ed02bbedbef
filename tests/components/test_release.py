import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from components.deploy import champion, deploy, until_told_to_go
from components.evaluate import evaluate
from components.record import record
from tests import tiny_model
from tiphys.errors import UnknownNameError
from tiphys.ml import digest, serving
from tiphys.ml.data import Pin
from tiphys.ml.gate.decision import Decision, DecisionError
from tiphys.ml.gate.reading import SpecError
from tiphys.ml.incluster import NoPodError
from tiphys.ml.registry import MovedError, Provenance, Registry
from tiphys.ml.serving.client import RejectedError
from tiphys.step import Preempted, Temporary, WrongInput

PIN = Pin(path="data/flights", md5="da7a.dir", size=1, nfiles=1, revision="r1")
GOOD, WORSE, BAD = 1.0, 1.6, 4.0
"""Weights of the tiny model: 4 is outside the absolute limits."""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project with data and spec; its server is stopped in the end."""
    monkeypatch.setenv("TIPHYS_PROJECT", str(tmp_path))
    monkeypatch.setenv("TIPHYS_WORKFLOW_UID", "uid-1")
    (tmp_path / "data").mkdir()
    pq.write_table(tiny_model.holdout(), tmp_path / "data" / "2013-07.parquet")
    shutil.copy("gate/flights.yaml", tmp_path / "gate.yaml")
    yield tmp_path
    serving.stop(tmp_path)


def judge(project, weight, **changed):
    """Evaluate the model of this weight; it and its decision lie in `m-WEIGHT`, `d-WEIGHT`."""
    arguments = {
        "challenger": tiny_model.save(project / f"m-{weight}", weight),
        "data": project / "data",
        "dataset": PIN,
        "holdout": "2013-07",
        "registry": "registry",
        "spec": str(project / "gate.yaml"),
        "decision": project / f"d-{weight}",
        "report": project / f"r-{weight}.html",
    }
    return evaluate(**arguments | changed)


def release(project, weight, **changed):
    arguments = {
        "model": project / f"m-{weight}",
        "decision": project / f"d-{weight}",
        "dataset": PIN,
        "registry": "registry",
        "target": "local",
    }
    return deploy(**arguments | changed)


def version(project, weight):
    return digest.of_directory(project / f"m-{weight}")


def champions(project):
    registry = Registry.open(str(project / "registry"))
    return [entry.version for entry in registry.history("flights", "champion")]


def test_a_first_model_within_the_limits_passes(project, capsys):
    result = judge(project, GOOD)
    assert (result.passed, result.verdict, result.champion) == (True, "pass", "")
    log = capsys.readouterr().out
    assert 'tiphys.metric {"name": "log_loss", "value": 0.6' in log
    assert log.splitlines()[-1] == f"pass: {result.summary}"
    assert "<svg" in (project / f"r-{GOOD}.html").read_text()


def test_the_decision_names_model_data_and_holdout(project):
    judge(project, GOOD)
    raw = json.loads((project / f"d-{GOOD}").read_text())
    assert raw["challenger"] == version(project, GOOD)
    assert (raw["data_hash"], raw["holdout"], raw["rows"]) == ("da7a.dir", "2013-07", 2000)


def test_a_bad_first_model_is_refused_and_the_step_ends_well(project):
    assert not judge(project, BAD).passed


def test_a_worse_challenger_is_refused_a_better_one_passes(project, capsys):
    judge(project, WORSE)
    release(project, WORSE)
    better = judge(project, GOOD)
    assert better.passed
    assert better.champion == version(project, WORSE)
    assert '"champion.log_loss"' in capsys.readouterr().out
    release(project, GOOD)
    assert not judge(project, WORSE).passed
    assert champions(project) == [version(project, WORSE), version(project, GOOD)]


def test_a_month_that_is_not_there_is_named(project):
    with pytest.raises(UnknownNameError, match="2013-07"):
        judge(project, GOOD, holdout="2013-08")


def test_a_wrong_spec_is_the_user_s_error(project):
    (project / "gate.yaml").write_text("model: flights\n")
    with pytest.raises(SpecError, match=r"gate\.yaml:1:1"):
        judge(project, GOOD)


def test_a_deployed_model_serves_and_the_last_line_of_the_log_asks_it(project, capsys):
    judge(project, GOOD)
    deployed = release(project, GOOD)
    assert deployed.version == version(project, GOOD)
    command = capsys.readouterr().out.splitlines()[-1].split()
    assert command[0] == "curl"
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer["model_version"] == deployed.version
    assert len(answer["outputs"][0]["data"]) == 1
    assert command[-1] == f"{deployed.endpoint}/infer"


def test_the_registry_knows_why_a_model_is_champion(project):
    judge(project, GOOD)
    release(project, GOOD, order="2026-01-02T00:00:00Z")
    provenance = Registry.open("registry").get("flights", "champion").provenance
    assert provenance == Provenance(
        dvc_revision="r1",
        data_hash="da7a.dir",
        decision_hash=digest.of_file(project / f"d-{GOOD}"),
        workflow_uid="uid-1",
        order="2026-01-02T00:00:00Z",
    )


def test_an_older_commit_that_ends_later_does_not_replace_a_newer_one(project, capsys):
    judge(project, WORSE)
    judge(project, GOOD)
    release(project, GOOD, order="2026-01-02T00:00:00Z")
    outdated = release(project, WORSE, order="2026-01-01T23:59:59Z")
    assert not outdated.released
    assert "outdated" in outdated.summary
    assert outdated.summary in capsys.readouterr().out
    assert champions(project) == [version(project, GOOD)]


def test_newer_code_that_makes_the_same_model_keeps_older_code_away(project):
    judge(project, WORSE)
    judge(project, GOOD)
    release(project, GOOD, order="2026-01-01T00:00:00Z")
    judge(project, GOOD)
    assert release(project, GOOD, order="2026-01-03T00:00:00Z").released
    assert not release(project, WORSE, order="2026-01-02T00:00:00Z").released


def test_a_deployment_that_is_told_to_go_takes_its_model_back(project):
    judge(project, GOOD)
    judged = Decision.decode((project / f"d-{GOOD}").read_bytes())
    known = Registry.open("registry")
    known.register("flights", project / f"m-{GOOD}", Provenance())
    before = signal.getsignal(signal.SIGTERM)
    both = pytest.raises(Preempted), until_told_to_go()
    with both[0], both[1], champion(known, judged, Provenance()):
        signal.raise_signal(signal.SIGTERM)
    assert known.get("flights", "champion") is None
    assert signal.getsignal(signal.SIGTERM) == before


def test_deploying_the_champion_again_changes_nothing(project):
    judge(project, GOOD)
    first = release(project, GOOD)
    assert judge(project, GOOD).summary.endswith("nothing changes.")
    assert release(project, GOOD) == first
    assert champions(project) == [version(project, GOOD)]


def test_a_refused_model_is_not_deployed(project):
    judge(project, BAD)
    with pytest.raises(DecisionError, match="refuses the model"):
        release(project, BAD)
    assert champions(project) == []


def test_a_decision_about_another_model_deploys_nothing(project):
    judge(project, GOOD)
    judge(project, WORSE)
    with pytest.raises(DecisionError, match="is about model"):
        release(project, WORSE, decision=project / f"d-{GOOD}")


def test_a_decision_about_other_data_deploys_nothing(project):
    judge(project, GOOD)
    with pytest.raises(DecisionError, match="is about data"):
        release(project, GOOD, dataset=dataclasses.replace(PIN, md5="other.dir"))


def test_a_tampered_decision_deploys_nothing(project):
    judge(project, BAD)
    path = project / f"d-{BAD}"
    path.write_text(path.read_text().replace('"fail"', '"pass"'))
    with pytest.raises(DecisionError, match="was changed"):
        release(project, BAD)
    assert champions(project) == []


def test_a_decision_against_a_former_champion_deploys_nothing(project):
    judge(project, WORSE)
    judge(project, GOOD)
    release(project, GOOD)
    with pytest.raises(MovedError, match="Evaluate again"):
        release(project, WORSE)
    assert champions(project) == [version(project, GOOD)]


def test_a_model_that_the_server_rejects_does_not_stay_champion(project):
    judge(project, WORSE)
    release(project, WORSE)
    judge(project, GOOD)
    known = Registry.open("registry")
    known.register("flights", project / f"m-{GOOD}", Provenance())
    spoilt = f"models/flights/versions/{version(project, GOOD)}/model.onnx"
    known.store.put(spoilt, b"spoilt")
    with pytest.raises(RejectedError, match="do not have the hash"):
        release(project, GOOD)
    assert known.get("flights", "champion").version == version(project, WORSE)


def test_a_first_model_that_the_server_rejects_leaves_no_champion(project):
    judge(project, GOOD)
    known = Registry.open("registry")
    known.register("flights", project / f"m-{GOOD}", Provenance())
    known.store.put(f"models/flights/versions/{version(project, GOOD)}/model.onnx", b"spoilt")
    with pytest.raises(RejectedError):
        release(project, GOOD)
    assert known.get("flights", "champion") is None
    assert judge(project, WORSE).champion == ""


@pytest.mark.parametrize(
    ("target", "problem"),
    [("moon", 'target "moon" is not known'), ("kubernetes", "serve_image is empty")],
)
def test_a_target_that_cannot_be_is_wrong_input(project, target, problem):
    judge(project, GOOD)
    with pytest.raises(WrongInput, match=problem):
        release(project, GOOD, target=target)
    assert champions(project) == []
    assert Registry.open("registry").models() == ()


def test_a_model_that_no_cluster_rolls_out_does_not_stay_champion(project):
    judge(project, WORSE)
    release(project, WORSE)
    judge(project, GOOD)
    with pytest.raises(NoPodError, match="works in a pod only"):
        release(project, GOOD, target="kubernetes", serve_image="serve:1")
    assert champions(project) == [version(project, each) for each in (WORSE, GOOD, WORSE)]


def test_a_first_model_that_does_not_serve_in_time_leaves_no_champion(project, monkeypatch):
    monkeypatch.setattr("components.deploy.PATIENCE", timedelta(0))
    judge(project, GOOD)
    with pytest.raises(Temporary, match="does not answer after 0 s"):
        release(project, GOOD)
    assert Registry.open("registry").get("flights", "champion") is None


def test_a_move_that_another_run_has_gone_on_from_stays(project):
    judge(project, GOOD)
    known = Registry.open("registry")
    other = known.register("flights", tiny_model.save(project / "other", WORSE), Provenance()).hash
    judged = Decision.decode((project / f"d-{GOOD}").read_bytes())
    known.register("flights", project / f"m-{GOOD}", Provenance())

    def rejected_after_another_run_moved_on():
        with champion(known, judged, Provenance()):
            known.alias("flights", "champion", other, Provenance())
            raise RejectedError("server", "rejects it")

    with pytest.raises(RejectedError):
        rejected_after_another_run_moved_on()
    assert champions(project) == [version(project, GOOD), other]


def test_the_environment_has_the_last_word_on_the_target(project, monkeypatch):
    monkeypatch.setenv("TIPHYS_SERVING", "local")
    judge(project, GOOD)
    assert release(project, GOOD, target="moon").endpoint.startswith("http://127.0.0.1:")


LOCK = """\
schema: '2.0'
stages:
  ingest:
    cmd: x
    outs:
    - {path: data/flights, hash: md5, md5: 5a75ee9dd9aa937d78c162835e0a89c7.dir, size: 9, nfiles: 2}
"""


def write_down(project, **changed):
    arguments = {
        "source": project,
        "registry": "registry",
        "workflow": "training-1",
        "status": "Failed",
        "failures": '[{"displayName": "train"}]',
        "revision": "abc",
        "decision": None,
        "lineage": project / "lineage.json",
    }
    result = record(**arguments | changed)
    return result.runs, json.loads((project / "lineage.json").read_text())


def test_a_run_that_failed_at_once_is_written_down(project):
    runs, found = write_down(project)
    assert runs == 1
    assert (found["workflow"], found["status"], found["decision"]) == ("training-1", "Failed", None)
    assert found["failures"] == [{"displayName": "train"}]
    assert "no output" in found["data"]["unknown"]


def test_lineage_has_data_model_and_decision(project):
    (project / "dvc.lock").write_text(LOCK)
    judge(project, GOOD)
    _, found = write_down(project, status="Succeeded", decision=project / f"d-{GOOD}")
    assert found["data"]["md5"] == "5a75ee9dd9aa937d78c162835e0a89c7.dir"
    assert found["data"]["revision"] == "abc"
    assert found["decision"]["challenger"] == version(project, GOOD)
    assert found["decision"]["checks"]["absolute roc_auc"] == "pass"
    assert Registry.open("registry").runs()[0].body["workflow"] == "training-1"


def test_lineage_names_the_commit_of_a_checkout_and_what_was_asked_for(project):
    (project / "dvc.lock").write_text(LOCK)
    (project / ".git").mkdir()
    (project / ".git/HEAD").write_text(f"{'c' * 40}\n")
    _, found = write_down(project, revision="main")
    assert (found["revision"], found["revision_asked"]) == ("c" * 40, "main")
    assert found["data"]["revision"] == "c" * 40


def test_lineage_is_of_what_the_run_resolved_not_of_where_the_branch_is_now(project):
    (project / "dvc.lock").write_text(LOCK)
    (project / ".git").mkdir()
    (project / ".git/HEAD").write_text(f"{'c' * 40}\n")
    pin = json.dumps(dataclasses.asdict(PIN))
    _, found = write_down(project, revision="main", commit="a" * 40, code_hash="x", pin=pin)
    assert (found["revision"], found["code_hash"]) == ("a" * 40, "x")
    assert found["data"] == dataclasses.asdict(PIN)


def test_where_nothing_was_resolved_lineage_says_what_the_source_says(project):
    tags = dict.fromkeys(("commit", "code_hash", "pin"), "{{workflow.outputs.parameters.x}}")
    _, found = write_down(project, **tags)
    assert (found["revision"], found["code_hash"]) == ("abc", "")
    assert "no output" in found["data"]["unknown"]


def test_a_spoilt_decision_does_not_keep_a_run_from_being_written_down(project):
    path = project / "d"
    path.write_text("{")
    assert "is not readable" in write_down(project, decision=path)[1]["decision"]["unknown"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", []),
        ("", []),
        ("{{workflow.failures}}", []),
        ('"[{\\"phase\\": \\"Failed\\"}]"', [{"phase": "Failed"}]),
        ("no JSON", "no JSON"),
    ],
)
def test_failures_are_read_however_argo_writes_them(project, text, expected):
    assert write_down(project, failures=text)[1]["failures"] == expected


def test_runs_are_counted(project):
    assert [write_down(project)[0] for _ in range(3)] == [1, 2, 3]


def test_deploy_and_record_need_none_of_the_heavy_libraries():
    code = "import sys, components.deploy, components.record; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pyarrow", "onnxruntime", "starlette", "uvicorn", "kubernetes", "torch"}
    assert not heavy & set(done.stdout.split())
