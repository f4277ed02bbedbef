"""What Argo's UI shows of the project, as Argo Server's API gives it, and what Prometheus reads."""

import json
import re
import ssl
import urllib.parse
import urllib.request

import browser
import pytest
from checkout import outputs_of

pytestmark = pytest.mark.cluster

TITLE = "workflows.argoproj.io/title"
DESCRIPTION = "workflows.argoproj.io/description"
REPORTS = ("validate", "evaluate")


@pytest.fixture(scope="module")
def name(remote):
    return remote["metadata"]["name"]


@pytest.fixture(scope="module")
def server(flights):
    """Return a function that asks Argo Server, as a browser of somebody who has logged in would."""

    def ask(path):
        request = urllib.request.Request(  # noqa: S310 - the test's own server
            flights.server + path, headers={"Authorization": f"Bearer {flights.token}"}
        )
        return urllib.request.urlopen(request, timeout=30)  # noqa: S310

    return ask


@pytest.fixture(scope="module")
def pipeline(server, remote):
    """Return the WorkflowTemplate as the UI gets it; `tiphys run --on` has applied it."""
    del remote
    with server("/api/v1/workflow-templates/flights/training") as reply:
        return json.load(reply)


@pytest.fixture(scope="module")
def run(server, name):
    with server(f"/api/v1/workflows/flights/{name}") as reply:
        return json.load(reply)


@pytest.fixture(scope="module")
def steps(run):
    return {node["displayName"]: node for node in run["status"]["nodes"].values()}


@pytest.fixture(scope="module")
def measured(flights, remote):
    """Return what the controller's /metrics says, by name and labels."""
    del remote
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # it signs for itself
    address = flights.server.replace("http:", "https:").rpartition(":")[0] + ":9090/metrics"
    with urllib.request.urlopen(address, timeout=30, context=trusting) as reply:  # noqa: S310
        text = reply.read().decode()
    lines = re.findall(r"^argo_workflows_(tiphys_\w+)(?:{(.*)})? (\S+)$", text, re.MULTILINE)
    return {
        (name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))): float(value)
        for name, labels, value in lines
    }


def test_a_pipeline_and_its_runs_have_a_title_and_a_description(pipeline, run):
    for document in (pipeline, run):
        shown = document["metadata"]["annotations"]
        assert shown[TITLE] == "Flight delays: train, judge, release"
        assert "judged on the month after it" in shown[DESCRIPTION]


def test_pipelines_runs_and_schedules_link_to_what_the_profile_names(flights, pipeline, run):
    cron = flights.get("cronworkflow", "retraining")
    for document in (pipeline, run, cron):
        last = document["metadata"]["annotations"][DESCRIPTION].splitlines()[-1]
        (name, address), *more = re.findall(r"\[(.*?)\]\((http.*?)\)", last)
        assert (name, more) == ("All runs", [])
        assert address.endswith("/workflows/flights?label=tiphys.dev/pipeline=training")
        with urllib.request.urlopen(address, timeout=30) as reply:  # noqa: S310 - the test's own
            assert reply.headers["Content-Type"].startswith("text/html")


def test_the_submit_form_explains_each_parameter_and_offers_what_may_be_chosen(pipeline):
    form = {one["name"]: one for one in pipeline["spec"]["arguments"]["parameters"]}
    assert form["release"]["enum"] == ["true", "false"]
    assert form["holdout"]["description"].startswith("The month to judge on")
    assert all(one.get("description") for one in form.values())


def test_every_step_is_described_in_markdown_from_its_docstring(pipeline):
    made = [one for one in pipeline["spec"]["templates"] if "container" in one]
    assert len(made) >= 7
    for template in made:
        shown = template["annotations"]
        assert shown[TITLE]
        assert "**Takes**\n\n- `" in shown[DESCRIPTION]
        for parameter in template["inputs"].get("parameters", ()):
            assert parameter.get("description"), (template["name"], parameter["name"])


def test_nodes_are_displayed_as_their_templates_want(steps):
    assert {"after-the-run", "record-Succeeded", "train(0)"} <= steps.keys()


def test_runs_are_found_by_their_labels(server, name, run):
    labels = run["metadata"]["labels"]
    assert labels["tiphys.dev/owner"] == "flights"
    wanted = f"tiphys.dev/pipeline=training,tiphys.dev/revision={labels['tiphys.dev/revision']}"
    query = urllib.parse.urlencode({"listOptions.labelSelector": wanted})
    with server(f"/api/v1/workflows/flights?{query}") as reply:
        assert name in [one["metadata"]["name"] for one in json.load(reply)["items"]]


@pytest.mark.parametrize("step", REPORTS)
def test_a_report_opens_in_the_artifact_viewer_with_nothing_missing(
    server, name, steps, step, tmp_path
):
    path = f"/artifact-files/flights/workflows/{name}/{steps[step]['id']}/outputs/report"
    with server(path) as reply:
        headers, page = dict(reply.headers), reply.read()
    assert headers["Content-Type"].startswith("text/html")
    assert 'filename="report.html"' in headers["Content-Disposition"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b"<script" not in page
    if browser.find() is None:
        pytest.skip("there is no Chromium to look at it with")
    kept = {key: headers[key] for key in ("Content-Type", "Content-Security-Policy")}
    picture = tmp_path / f"{step}.png"
    assert browser.screenshot(page, kept, picture) == []
    assert picture.stat().st_size > 30_000, "the page is nearly empty"


def test_prometheus_is_told_how_long_every_step_took(measured):
    done = {
        dict(labels)["step"]
        for name, labels in measured
        if name == "tiphys_step_duration_seconds_count" and ("status", "Succeeded") in labels
    }
    assert {"resolve", "validate", "train", "export", "evaluate", "deploy", "record"} <= done


def test_prometheus_is_told_the_verdict_the_quality_and_the_end_of_a_run(measured, run, flights):
    reached = outputs_of(run)["evaluate"]["verdict"]
    runs = flights.get("workflows", "-A", "-l", "tiphys.dev/pipeline=training")["items"]
    qualities = [
        json.loads(found["evaluate"]["metrics"])["roc_auc"]
        for found in map(outputs_of, runs)
        if "evaluate" in found
    ]
    of_step = {("pipeline", "training"), ("step", "evaluate")}
    ended = frozenset({("pipeline", "training"), ("status", "Succeeded")})
    verdict = frozenset({*of_step, ("verdict", reached)})
    newest = measured["tiphys_roc_auc", frozenset(of_step)]
    assert any(newest == pytest.approx(one) for one in qualities)  # of any run of that name
    assert measured["tiphys_verdict_total", verdict] >= 1
    assert measured["tiphys_runs_total", ended] >= 1
    assert measured["tiphys_run_duration_seconds_count", ended] >= 1
