import json
import re
from datetime import timedelta

import pytest

from tests import gangs
from tiphys.ml.training import jobset
from tiphys.ml.training.jobset import Gang
from tiphys.ml.training.request import Request
from tiphys.step import WrongInput, codec


@pytest.fixture
def made(tmp_path):
    return jobset.manifest(gangs.gang(), gangs.request(tmp_path))


@pytest.fixture
def job(made):
    (only,) = made["spec"]["replicatedJobs"]
    return only["template"]["spec"]


def variables(job):
    (container,) = job["template"]["spec"]["containers"]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def test_what_a_template_says_is_read():
    told = {"workflow": "w", "nodes": 2, "timeout_seconds": 14400, "pod": gangs.POD}
    environ = {
        "TIPHYS_GANG": json.dumps(told),
        "TIPHYS_WORKFLOW_NODE": "w.train(1)",
        "POD_NAME": "p",
        "POD_UID": "u",
    }
    assert Gang.read(environ) == gangs.gang(
        workflow="w", node="w.train(1)", owner="p", owner_uid="u", timeout=timedelta(hours=4)
    )


def test_every_attempt_of_a_node_has_the_same_name_and_no_other_node_has_it():
    names = [
        gangs.gang(node=node).name
        for node in ("w.train(0)", "w.train(1)", "w.train(0:a)(0)", "w.train(1:b)(0)", "v.train(0)")
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 4


def test_a_name_is_short_enough_for_its_pods_and_a_dns_label():
    name = gangs.gang(workflow="1.very-long-" * 9).name
    assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name)
    assert len(f"{name}-node-0-99-abcde") <= 63


def test_it_goes_with_the_pod_of_its_step(made):
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "flights-x7-train-1", "uid": "u-1"}
    assert made["metadata"]["ownerReferences"] == [owner]


def test_a_pod_a_node_and_all_of_them_start_again_together(made, job):
    assert (job["parallelism"], job["completions"], job["backoffLimit"]) == (2, 2, 0)
    assert made["spec"]["failurePolicy"]["restartStrategy"] == "BlockingRecreate"
    assert made["spec"]["failurePolicy"]["maxRestarts"] == 3


@pytest.mark.parametrize(
    ("message", "action"),
    [
        (
            "Container node for pod ml/gang-0 failed with exit code 2 matching FailJob rule",
            "FailJobSet",
        ),
        (
            "Container node for pod ml/gang-0 failed with exit code 75 matching FailJob rule",
            "FailJobSet",
        ),
        (
            "Container node for pod ml/gang-0 failed with exit code 143 matching FailJob rule",
            "RestartJobSetAndIgnoreMaxRestarts",
        ),
        (
            "Pod ml/gang-0 has condition DisruptionTarget matching FailJob rule at index 0",
            "RestartJobSetAndIgnoreMaxRestarts",
        ),
    ],
)
def test_what_a_job_failed_of_says_what_becomes_of_the_gang(made, message, action):
    """The messages are those of Kubernetes' job controller, `getPodFailureMessage…`."""
    for rule in made["spec"]["failurePolicy"]["rules"]:
        patterns = rule.get("onJobFailureMessagePatterns", [""])
        if any(re.search(pattern, message) for pattern in patterns):
            assert rule["action"] == action
            return
    pytest.fail("no rule")


def test_codes_that_the_steps_own_policies_know_end_the_job(job):
    (_, exits) = job["podFailurePolicy"]["rules"]
    assert exits["onExitCodes"]["values"] == [2, 75, 76, 137, 143]


def test_the_pods_find_each_other_in_torchruns_words(job):
    found, name = variables(job), gangs.gang().name
    assert found["PET_NNODES"] == "2"
    assert found["PET_MASTER_ADDR"] == f"{name}-node-0-0.{name}"
    assert "job-completion-index" in found["PET_NODE_RANK"]["fieldRef"]["fieldPath"]
    assert jobset.RESTART_LABEL in found[jobset.RESTARTED]["fieldRef"]["fieldPath"]
    assert found["GLOO_SOCKET_IFNAME"] == found["NCCL_SOCKET_IFNAME"] == "eth0"
    assert found["AWS_ENDPOINT_URL"] == "http://s3"


def test_each_pod_is_a_step_that_is_given_the_request(job, tmp_path):
    (container,) = job["template"]["spec"]["containers"]
    assert container["command"][-1] == "tiphys.ml.training.node:work"
    asked = codec.decode(container["args"][0].removeprefix("--request="), Request)
    assert (asked.nodes, asked.workers_of_a_node) == (2, 1)
    assert asked.place == gangs.request(tmp_path).place


def test_kubernetes_expands_nothing_in_the_request(tmp_path):
    made = jobset.manifest(gangs.gang(), gangs.request(tmp_path / "$(HOME)"))
    pod = made["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]
    assert "$$(HOME)" in pod["containers"][0]["args"][0]


def test_workers_that_the_nodes_cannot_share_are_refused_before_anything_is_made(tmp_path):
    with pytest.raises(WrongInput, match="2 workers cannot be shared by 3 nodes"):
        jobset.manifest(gangs.gang(nodes=3), gangs.request(tmp_path))
