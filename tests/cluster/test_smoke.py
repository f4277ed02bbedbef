"""The cluster itself: everything that later tests rely on, in one small workflow."""

from pathlib import Path

import pytest
from checkout import assert_succeeded
from harness.errors import HarnessError

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def workflow(cluster):
    return cluster.run_workflow(Path(__file__).with_name("smoke.yaml"))


@pytest.fixture(scope="module")
def nodes(workflow):
    return {node["displayName"]: node for node in workflow["status"]["nodes"].values()}


def test_the_workflow_succeeds(workflow):
    assert_succeeded(workflow)


def test_a_parameter_and_an_artifact_reach_the_next_step(nodes):
    (output,) = nodes["consume"]["outputs"]["parameters"]
    assert output["value"] == "hello\ndear reader"


def test_an_artifact_is_an_object_in_the_bucket(nodes, cluster):
    made = {one["name"]: one for one in nodes["produce"]["outputs"]["artifacts"]}
    bucket = cluster.places.state / "s3" / "artifacts"
    assert (bucket / made.pop("main-logs")["s3"]["key"]).is_file()  # which said nothing
    (artifact,) = made.values()
    assert (bucket / artifact["s3"]["key"]).stat().st_size > 0


def test_a_step_that_ended_with_75_is_tried_again(nodes):
    attempts = [nodes[f"stumble({number})"] for number in range(2)]
    assert [node["phase"] for node in attempts] == ["Failed", "Succeeded"]
    assert attempts[0]["outputs"]["exitCode"] == "75"


def test_a_step_that_asks_for_a_gpu_runs_on_a_gpu_node(nodes):
    assert nodes["compute"]["hostNodeName"] in {"gpu-a", "gpu-b"}
    assert nodes["produce"]["hostNodeName"] == "node-cpu"


def test_the_exit_handler_runs(nodes):
    (farewell,) = (node for name, node in nodes.items() if name.endswith(".onExit"))
    assert farewell["phase"] == "Succeeded"


@pytest.mark.parametrize("verb", ["create deployments", "get secrets", "create pods"])
def test_the_submitters_token_gives_no_more_than_submitting_needs(verb, cluster):
    submitter = "--as=system:serviceaccount:flights:tiphys-submitter"
    with pytest.raises(HarnessError, match=r"ended with 1:\nno$"):
        cluster.kubectl("auth", "can-i", *verb.split(), submitter)
