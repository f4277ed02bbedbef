"""The main line on a real Argo: data on S3 to a served model, the same file as on this machine."""

import json
import subprocess

import pytest
from checkout import outputs_of

pytestmark = pytest.mark.cluster

FILE = "manifests/ci/training.yaml"


@pytest.fixture(scope="module")
def local(project):
    """Return the run on this machine, whose registry is empty as that of the cluster was."""
    return json.loads(project.tiphys("run", FILE, "-o", "json"))


@pytest.fixture(scope="module")
def steps(remote):
    return {node["displayName"]: node for node in remote["status"]["nodes"].values()}


def test_both_sides_succeed_and_agree_node_by_node(project, local, remote):
    assert local["status"]["phase"] == remote["status"]["phase"] == "Succeeded"
    names = [run["metadata"]["name"] for run in (local, remote)]
    assert "agree" in project.tiphys("parity", *names, "--on", "ci")


def test_training_runs_on_a_gpu_node(steps):
    assert steps["train(0)"]["hostNodeName"] in {"gpu-a", "gpu-b"}


def test_the_model_that_was_trained_answers_through_its_service(flights, remote):
    outputs = outputs_of(remote)["deploy"]
    service = outputs["endpoint"].partition("//")[2].partition(".")[0]
    slices = flights.get("endpointslices", "-l", f"kubernetes.io/service-name={service}")
    (ready,) = slices["items"][0]["endpoints"]
    address = f"http://{ready['addresses'][0]}:{slices['items'][0]['ports'][0]['port']}"
    reply = subprocess.run(
        ["curl", "-sf", f"{address}/v2/models/flights/versions/{outputs['version']}/ready"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert reply.returncode == 0, reply.stdout


def test_the_page_of_a_run_on_the_cluster_has_the_reports_of_its_steps(project, remote):
    name = remote["metadata"]["name"]
    page = (project.root / ".tiphys" / "pages" / "ci" / f"{name}.html").read_text()
    assert "challenger" in page
    assert "Data: flights" in page


def test_the_verbs_answer_for_a_run_on_the_cluster(project, remote):
    name = remote["metadata"]["name"]
    assert name in project.tiphys("list", "--on", "ci")
    assert "train" in project.tiphys("get", name, "--on", "ci")
    assert "tiphys.metric" in project.tiphys("logs", name, "train", "--on", "ci")


def test_the_plain_argo_command_runs_the_same_file_to_the_same_end(project, flights, local, remote):
    given = {p["name"]: p["value"] for p in remote["spec"]["arguments"]["parameters"]}
    project.forget_models()
    code = ["-p", f"code={given['code']}", "-p", f"revision={given['revision']}"]
    made = flights.argo("submit", "--from", "workflowtemplate/training", *code, "-o", "name")
    name = made.strip()
    flights.argo("wait", name)
    assert "agree" in project.tiphys("parity", local["metadata"]["name"], name, "--on", "ci")
