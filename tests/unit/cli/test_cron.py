import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import FAR_PROFILE, argo_server
from tiphys.cli.main import run
from tiphys.runtime.clock import SystemClock

CRON = """\
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {{name: {name}}}
spec:
  schedules: ["{schedule}"]
  timezone: America/New_York
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  suspend: {suspend}
  workflowSpec: {{workflowTemplateRef: {{name: training}}}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "dvc.yaml").touch()
    for cluster in ("local", "ci"):
        (tmp_path / "manifests" / cluster).mkdir(parents=True)
        write(tmp_path, cluster=cluster)
    return tmp_path


def write(root, name="nightly", schedule="30 2 * * *", cluster="local", suspend="false"):
    file = root / "manifests" / cluster / f"{name}.yaml"
    file.write_text(CRON.format(name=name, schedule=schedule, suspend=suspend))
    (file.parent / "install.yaml").write_text(file.read_text())
    return file


@pytest.mark.usefixtures("project")
def test_list_shows_the_crons_of_every_cluster_once(capsys):
    assert run(["cron", "list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["nightly", "ci"], ["nightly", "local"]]
    assert "02:30 E" in lines[1]


@pytest.mark.usefixtures("project")
def test_list_prints_the_objects_for_a_program(capsys):
    assert run(["cron", "list", "-o", "json"]) == 0

    items = json.loads(capsys.readouterr().out)["items"]
    assert [item["spec"]["schedules"] for item in items] == [["30 2 * * *"]] * 2


@pytest.mark.usefixtures("project")
def test_preview_prints_each_start_in_its_zone_and_in_utc_and_what_clocks_do(capsys):
    assert run(["cron", "preview", "nightly", "-n", "370"]) == 0

    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("nightly: 30 2 * * * in America/New_York; Forbid; a missed start is")
    starts = [line for line in lines if line.endswith("UTC")]
    assert len(starts) == 370
    assert {line.split()[2] for line in starts} == {"02:30:00"}
    assert {line.split()[5] for line in starts} == {"06:30:00", "07:30:00"}
    assert any("02:30:00 is skipped: clocks go forward over it" in line for line in lines)


def test_preview_says_which_starts_come_twice_and_that_none_comes_while_suspended(project, capsys):
    file = write(project, "twice", "30 1 * * 0", suspend="true")

    assert run(["cron", "preview", str(file), "-n", "60"]) == 0

    said = capsys.readouterr().out
    assert "clocks went back: this time comes a second time" in said
    assert "It is suspended: none of these will start" in said


def test_a_wrong_schedule_is_told_with_its_file_and_line(project, capsys):
    write(project, schedule="0 0 31 2 *")

    assert run(["cron", "list"]) == 2

    said = capsys.readouterr().err
    assert 'manifests/local/nightly.yaml:5:15: schedule "0 0 31 2 *": never comes' in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["preview", "nihgtly"], 'no CronWorkflow "nihgtly". Did you mean "nightly"'),
        (["suspend", "nightly"], "Missing option '--on'"),
        (["list", "--on", "cy"], 'no profile "cy"'),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_is_not_there_is_named(capsys, words, message):
    assert run(["cron", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_project_without_crons_says_how_to_have_one(project, capsys):
    for file in Path(project).glob("manifests/*/*.yaml"):
        file.unlink()

    assert run(["cron", "list"]) == 2
    assert "Write `pipeline.cron(…)`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("name: nightly", "generateName: nightly-", "the CronWorkflow has no name"),
        ("Seconds: 3600", "Seconds: an hour", "`startingDeadlineSeconds` is no number"),
    ],
)
def test_what_is_no_cron_is_told_where_it_stands(project, capsys, right, wrong, said):
    file = project / "manifests/local/nightly.yaml"
    file.write_text(file.read_text().replace(right, wrong))

    assert run(["cron", "list"]) == 2

    assert said in capsys.readouterr().err


def test_a_suspended_cron_says_how_to_resume_it(project, capsys):
    file = write(project, suspend="true")

    assert run(["cron", "preview", str(file)]) == 0

    assert "tiphys cron resume nightly --on PROFILE" in capsys.readouterr().out


@pytest.fixture
def told(project, monkeypatch, capsys):
    """Return what `tiphys cron VERB nightly` says of a CronWorkflow with *status* and *spec*."""
    monkeypatch.setenv("A_TOKEN", "t")
    used = {"cronworkflows.argoproj.io/last-used-schedule": "CRON_TZ=Etc/UTC * * * * *"}
    metadata = {"name": "nightly", "annotations": used}

    def told(verb, spec, **status):
        fixed = {"schedules": ["* * * * *"], "timezone": "Etc/UTC", "concurrencyPolicy": "Forbid"}
        cron = {"metadata": metadata, "spec": fixed | spec, "status": status}
        with argo_server(lambda *_: (200, cron)) as server:
            profile = project / "manifests/ci/profile.yaml"
            profile.write_text(FAR_PROFILE.format(server=server))
            assert run(["cron", verb, "nightly", "--on", "ci"]) == 0
        return capsys.readouterr().out

    return told


LONG_AGO = f"{SystemClock().now() - timedelta(hours=2):%Y-%m-%dT%H:%M:00Z}"


def test_suspend_says_what_resuming_makes_up_for(told):
    missed = "the newest start that it misses is made up for, if it is not more than 1:00:00 late."
    assert missed in told("suspend", {"startingDeadlineSeconds": 3600})
    assert "made up for" not in told("suspend", {})


def test_resume_says_which_missed_start_comes_at_once(told):
    said = told("resume", {"startingDeadlineSeconds": 3600}, lastScheduledTime=LONG_AGO)
    assert "nightly is resumed. A start was missed at " in said
    assert "it comes at once. It starts next at " in said


def test_resume_says_that_a_missed_start_waits_for_the_run_that_forbids_it(told):
    late = {"startingDeadlineSeconds": 3600}
    said = told("resume", late, lastScheduledTime=LONG_AGO, active=[{"name": "nightly-1"}])
    assert "it comes when nightly-1 has ended, if that is not more than 1:00:00 late." in said


@pytest.mark.parametrize(
    ("spec", "status", "sentence"),
    [
        ({}, {"lastScheduledTime": LONG_AGO}, "nightly is resumed. It starts next at "),
        ({"schedules": []}, {}, "nightly ended."),
        ({}, {"phase": "Stopped"}, "nightly ended."),
    ],
)
def test_resume_says_when_it_starts_next(told, spec, status, sentence):
    said = told("resume", spec, **status)
    assert sentence in said
    assert "missed" not in said
