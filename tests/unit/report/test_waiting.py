"""Why steps wait, read from objects that a real cluster wrote (folder `waiting`)."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.fakes import node, run
from tiphys.engine.status import held
from tiphys.report.waiting import Evidence, explain

FOLDER = Path(__file__).parent / "waiting"


def recorded(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def reasons(evidence):
    return {one.step: one for one in explain(recorded("workflow"), evidence)}


@pytest.fixture(scope="module")
def seen():
    """Return what is said where everything could be looked at."""
    parts = {name: recorded(name) for name in ("pods", "events", "nodes")}
    return reasons(Evidence(**parts))


@pytest.fixture(scope="module")
def blind():
    """Return what is said with the Workflow object alone."""
    return reasons(Evidence())


@pytest.mark.parametrize(
    ("step", "kind", "found"),
    [
        ("selector", "selector", "a node with pool=nowhere: no node has it"),
        ("taint", "taint", "node-b has the taint nvidia.com/gpu=present:NoSchedule"),
        ("gpus", "capacity", "99 of nvidia.com/gpu on one node: the largest, node-b, has 4"),
        ("memory", "capacity", "900Gi of memory on one node"),
        ("quota", "quota", "the quota licences (requested requests.example.com/licence=1"),
        ("image", "image", "the image registry.example/nobody:none, which cannot be pulled"),
        ("never", "image", "the image registry.example/nobody:none, which its node does not have"),
        ("secret", "secret", 'the Secret "nobody", which does not exist'),
        ("volume", "secret", 'the Secret "nobody", which does not exist'),
        ("claim", "volume", 'the volume claim "nobody", which does not exist'),
        ("second", "lock", "the mutex cache, which holder has"),
        ("approve", "suspended", "somebody to let it go on"),
        ("again", "back-off", "its next attempt: 10 minutes 0 seconds after"),
        ("narrow.two", "parallelism", "one to end: `parallelism` of template narrow is 1"),
        ("after", "dependency", "selector and image to end"),
    ],
)
def test_each_waiting_step_says_what_it_waits_for(seen, step, kind, found):
    assert seen[step].kind == kind
    assert found in seen[step].found


def test_what_runs_or_has_ended_does_not_wait(seen):
    assert seen.keys().isdisjoint({"holder", "narrow", "account", "narrow[0].one", ""})


def test_reasons_that_somebody_can_mend_say_how(seen):
    silent = {step for step, reason in seen.items() if not reason.advice}
    assert silent == {"again", "after"}
    assert "tolerations: [{key: nvidia.com/gpu" in seen["taint"].advice
    assert re.search(r"kubectl -n \S+ create secret generic nobody", seen["volume"].advice)
    assert seen["approve"].advice == "tiphys resume waits"


def test_the_workflow_alone_gives_the_schedulers_words(blind):
    assert "didn't match Pod's node affinity/selector" in blind["selector"].found
    assert blind["gpus"].found == "99 of nvidia.com/gpu: 2 Insufficient nvidia.com/gpu"
    assert blind["claim"].found == 'the volume claim "nobody", which does not exist'
    assert blind["secret"].kind == "secret"


def test_what_only_an_event_tells_is_said_to_be_unseen(blind):
    assert "events, which nobody could look at" in blind["volume"].found


def test_events_alone_tell_of_a_volume_that_cannot_be_mounted():
    found = reasons(Evidence(events=recorded("events")))
    assert found["volume"].found == 'the Secret "nobody", which does not exist'


def test_reasons_come_in_the_order_of_the_manifest(seen):
    steps = [step for step in seen if "." not in step]
    tasks = recorded("workflow")["spec"]["templates"][0]["dag"]["tasks"]
    assert steps == [task["name"] for task in tasks if task["name"] in seen]


def test_a_lost_node_is_named(seen):
    del seen
    nodes = recorded("nodes")
    away = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
    for one in nodes:
        one["spec"]["taints"] = [away]
    found = reasons(Evidence(nodes=nodes))["taint"]
    assert "node-b is lost" in found.found
    assert "until it is back" in found.advice


def test_other_values_of_a_wanted_label_are_offered():
    nodes = recorded("nodes")
    nodes[0]["metadata"]["labels"]["pool"] = "spot"
    assert "(pool is spot)" in reasons(Evidence(nodes=nodes))["selector"].found


def test_a_full_machine_is_a_reason_here():
    one = run(node("a", phase="Pending"), tasks=[{"name": "a"}])
    (reason,) = explain(one, Evidence(slots=8))
    assert reason.found == "a free place: 8 attempts run at once on this machine"


def test_a_suspended_run_holds_what_is_not_begun():
    one = run(tasks=[{"name": "a", "template": "a"}])
    one["spec"]["suspend"] = True
    whole, step = explain(one)
    assert whole.advice == "tiphys resume r"
    assert step.found == "the run to be resumed"


@pytest.mark.parametrize(
    ("limit", "found"),
    [(1, "`spec.parallelism` is 1"), (2, "its turn")],
    ids=["reached", "not reached"],
)
def test_a_limit_of_the_workflow_is_a_reason_when_as_many_pods_are_active(limit, found):
    """Argo counts neither what has ended nor what waits for a lock: node_counters.go."""
    nodes = [
        node("b", phase="Running"),
        node("c"),
        node("d", phase="Pending", synchronizationStatus={"waiting": "ml/Mutex/x"}),
        node("e", phase="Running", type="Suspend"),
    ]
    one = run(*nodes, tasks=[{"name": "a", "template": "a"}])
    one["spec"]["parallelism"] = limit
    reason = next(reason for reason in explain(one) if reason.step == "a")
    assert found in reason.found


def test_an_event_without_a_reason_explains_nothing():
    one = run(node("a", phase="Pending", message="ContainerCreating"), tasks=[{"name": "a"}])
    events = [{"involvedObject": {"name": "r-a"}}, {"involvedObject": {"name": "r.a"}}]
    (reason,) = explain(one, Evidence(events=events))
    assert reason.found == "its pod, which is being made"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ({}, "starting"),
        ({"phase": "Pending", "message": "Waiting for ml/Mutex/x lock. Lock status: 0/1"}, "lock"),
        (
            {
                "phase": "Pending",
                "message": "Workflow processing has been postponed because too many workflows "
                "are already running",
            },
            "parallelism",
        ),
    ],
)
def test_a_run_that_is_not_begun_says_why(status, kind):
    one = run(tasks=[])
    one["status"] = status
    (reason,) = explain(one)
    assert (reason.step, reason.kind) == ("", kind)


def test_a_holder_in_another_run_is_named_with_the_command_to_see_it():
    one = run(
        node("a", phase="Pending", synchronizationStatus={"waiting": "ml/Mutex/x"}),
        tasks=[{"name": "a"}],
        synchronization={"mutex": {"waiting": [{"mutex": "ml/Mutex/x", "holder": "ml/b/b-1"}]}},
    )
    (reason,) = explain(one)
    assert reason.found == "the mutex x, which the run b has"
    assert reason.advice == "See what it does: tiphys get b"


def test_a_step_after_a_group_waits_for_those_of_it_that_run():
    one = run(node("a", phase="Running"), tasks=[])
    one["status"]["nodes"]["r"]["type"] = "Steps"
    one["spec"]["templates"][0] = {"name": "main", "steps": [[{"name": "a"}], [{"name": "b"}]]}
    (reason,) = explain(one)
    assert (reason.step, reason.found) == ("b", "a to end")


def test_held_steps_are_those_that_resume_lets_go():
    assert [one["displayName"] for one in held(recorded("workflow"))] == ["approve"]


def gang_pod(name, **status):
    """Return a pod of the gang that step `train` of run `r` has made, whichever attempt it is."""
    unique = hashlib.sha256(b"r.train").hexdigest()[:8]
    labels = {"jobset.sigs.k8s.io/jobset-name": f"gang-r-{unique}"}
    spec = {"nodeSelector": {"pool": "nowhere"}, "containers": [{"name": "node"}]}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"phase": "Pending", **status},
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "message": "0/3 nodes are available",
                    }
                ]
            },
            "selector",
        ),
        (
            {
                "containerStatuses": [
                    {"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "no image"}}}
                ]
            },
            "image",
        ),
    ],
)
def test_a_running_step_says_what_its_gang_waits_for(status, kind):
    one = run(node("train(0)", phase="Running"), tasks=[{"name": "train"}])
    evidence = Evidence(pods=[gang_pod("g-0", **status)], events=[], nodes=[*recorded("nodes")])
    found = [reason for reason in explain(one, evidence) if "gang" in reason.step]
    assert [(reason.step, reason.kind) for reason in found] == [("train(0), its gang", kind)]
