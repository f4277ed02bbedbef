import copy
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tiphys.manifest.profile import Placement, Tier
from tiphys.report import health

NODES = json.loads((Path(__file__).parent / "waiting" / "nodes.json").read_text())
GPU = "nvidia.com/gpu"
TOLERANT = ({"key": GPU, "operator": "Exists"},)
TEMPLATE = {
    "kind": "WorkflowTemplate",
    "metadata": {"name": "training", "annotations": {"tiphys.dev/function": "f"}},
    "spec": {
        "entrypoint": "main",
        "templates": [
            {"name": "main", "container": {"resources": {"limits": {"cpu": "1000m", "memory": 0}}}}
        ],
    },
}


@pytest.mark.parametrize(
    ("found", "good"), [("v4.0.7", True), ("v4.0.9", True), ("v4.1.0", False), ("?", False)]
)
def test_another_minor_version_of_argo_is_wrong(found, good):
    check = health.version(found)
    assert check.good is good
    assert bool(check.advice) is not good


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (-29, True), (31, False), (-90, False)])
def test_a_clock_half_a_minute_off_is_wrong(seconds, good):
    check = health.clock(timedelta(seconds=seconds))
    assert check.good is good
    if not good:
        assert ("ahead of" if seconds > 0 else "behind") in check.found


@pytest.mark.parametrize(
    ("fields", "good", "found"),
    [
        ({"limits": {GPU: "2"}, "tolerations": TOLERANT}, True, "room for 2 of its pods"),
        ({"limits": {GPU: "8"}, "tolerations": TOLERANT}, False, "the largest node has 4"),
        ({"limits": {GPU: "2"}, "tolerations": TOLERANT, "nodes": 3}, False, "takes 3 nodes"),
        ({"node_selector": {"zone": "moon"}}, False, "no node has zone=moon"),
        ({"requests": {"memory": "900Gi"}}, False, "asks for 900Gi of memory"),
        ({"requests": {"cpu": "500m"}}, True, "room for 4 of its pods on node-a"),
    ],
)
def test_a_tier_needs_nodes_that_take_it(fields, good, found):
    check = health.tier(Tier(name="t", **fields), NODES)
    assert check.good is good
    assert found in check.found


def test_a_tier_that_tolerates_none_of_the_taints_has_no_node():
    nodes = [one for one in NODES if one["spec"].get("taints")]
    assert health.tier(Tier(name="t"), nodes).good is False


def pool(name, *taints, gpus="4"):
    return {
        "metadata": {"name": name, "labels": {"pool": name}},
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {"allocatable": {GPU: gpus}},
    }


SPOT = {"limits": {GPU: "2"}, "node_selector": {"pool": "spot"}, "tolerations": TOLERANT}
STAYS = Placement(node_selector={"pool": "stays"}, tolerations=({"key": "x", "value": ""},))


@pytest.mark.parametrize(
    ("nodes", "good", "found"),
    [
        ([pool("stays")], True, "runs on stays"),
        ([pool("stays", GPU, "x")], True, "runs on stays"),
        ([], None, "no such node now: none has pool=stays"),
        ([pool("stays", gpus="1")], None, "asks for 2 of nvidia.com/gpu; the largest node has 1"),
        (
            [pool("stays", "node.kubernetes.io/unschedulable")],
            None,
            "now: none with pool=stays is ready",
        ),
        ([pool("stays", "y")], False, "all with pool=stays have taints that it does not tolerate"),
    ],
    ids=["there", "tolerated", "none", "small", "cordoned", "tainted"],
)
def test_the_last_attempt_needs_nodes_that_take_it(nodes, good, found):
    check = health.on_demand(Tier(name="t", on_demand=STAYS, **SPOT), [pool("spot"), *nodes])
    assert check is not None
    assert (check.what, check.good) == ("tier t, on demand", good)
    assert found in check.found
    assert bool(check.advice) is not bool(good)


def test_a_tier_whose_last_attempt_goes_nowhere_else_has_no_other_pool():
    assert health.on_demand(Tier(name="t", **SPOT), NODES) is None
    same = Placement(node_selector={"pool": "spot"})
    assert health.on_demand(Tier(name="t", on_demand=same, **SPOT), NODES) is None


def test_every_attempt_tolerates_what_the_last_one_does():
    nodes = [pool("spot", "x")]
    assert not health.tier(Tier(name="t", **SPOT), nodes).good
    assert health.tier(Tier(name="t", on_demand=STAYS, **SPOT), nodes).good


OWNER = "kubernetes.io/service-account.name"


@pytest.mark.parametrize(
    ("owner", "kind", "found"),
    [
        ("me", "token", "is there"),
        ("you", "token", "is for the account you, not me"),
        (None, "token", "is for the account none, not me"),
        ("me", "Opaque", "is of the type Opaque, not token"),
    ],
)
def test_a_token_is_judged_by_whose_it_is_and_never_by_what_it_says(owner, kind, found):
    noted = {OWNER: owner, "other": "1"} if owner else None
    ours = {
        "kind": "Secret",
        "metadata": {"name": "t", "annotations": {OWNER: "me"}},
        "type": "token",
    }
    theirs = {"metadata": {"annotations": noted}, "type": kind, "data": {"token": "x"}}
    check = health.token(ours, theirs, "f.yaml")
    assert (check.good, check.found) == (found == "is there", found)
    assert check.advice == ("" if check.good else "Delete it, then: kubectl apply -f f.yaml")
    assert health.token(ours, None, "f.yaml").advice == "kubectl apply -f f.yaml"


def test_a_secret_needs_every_key_that_the_profile_names():
    held = {"data": {"access": "eA==", "empty": ""}}
    assert health.secret("s3", "ml", ["access"], held).good
    assert health.secret("s3", "ml", ["access", "secret"], held).found == "has no secret"
    gone = health.secret("s3", "ml", ["access"], None)
    assert gone.advice == "Make it: kubectl create secret generic s3 -n ml --from-literal=access=…"


WEEKLY = {
    "kind": "CronWorkflow",
    "metadata": {"name": "weekly"},
    "spec": {"schedules": ["0 6 * * 1"]},
}


@pytest.mark.parametrize(
    ("ours", "theirs", "good", "found"),
    [
        (None, None, True, "is as rendered"),
        (None, False, True, "is as rendered"),
        (None, True, None, "is suspended, otherwise as rendered: it starts nothing"),
        (True, True, True, "is as rendered"),
        (True, None, True, "is as rendered"),
    ],
)
def test_a_schedule_that_somebody_suspended_is_no_fault_but_said(ours, theirs, good, found):
    rendered, installed = copy.deepcopy(WEEKLY), copy.deepcopy(WEEKLY)
    for one, suspended in ((rendered, ours), (installed, theirs)):
        if suspended is not None:
            one["spec"]["suspend"] = suspended
    check = health.schedule(rendered, installed, "f.yaml", "far")
    assert (check.good, check.found) == (good, found)
    resume = "If nobody means it to be: tiphys cron resume weekly --on far"
    assert check.advice == ("" if good else resume)


def test_a_suspended_schedule_may_differ_elsewhere_or_be_gone():
    theirs = {**WEEKLY, "spec": {"schedules": ["0 7 * * 1"], "suspend": True}}
    check = health.schedule(WEEKLY, theirs, "f.yaml", "far")
    assert (check.good, check.advice) == (False, "kubectl apply -f f.yaml")
    assert "spec.schedules[0]" in check.found
    assert health.schedule(WEEKLY, None, "f.yaml", "far").found == "is not installed"


def test_what_a_server_adds_or_spells_otherwise_is_no_difference():
    theirs = copy.deepcopy(TEMPLATE)
    theirs["metadata"] |= {"uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    theirs["spec"]["arguments"] = {}
    limits = {"cpu": "1", "memory": "0"}
    theirs["spec"]["templates"][0] = {
        "name": "main",
        "inputs": {},
        "container": {"name": "", "resources": {"limits": limits}},
    }
    assert health.installed(TEMPLATE, theirs, "f.yaml").good


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda spec: spec.update(entrypoint="other"), "spec.entrypoint"),
        (lambda spec: spec.update(onExit="bye"), "spec.onExit"),
        (lambda spec: spec["templates"].clear(), "spec.templates"),
        (lambda spec: spec["templates"][0].update(name="x"), "spec.templates[0].name"),
    ],
    ids=["other", "more", "fewer", "inside"],
)
def test_a_document_that_drifted_says_where_and_how_to_mend_it(change, where):
    theirs = copy.deepcopy(TEMPLATE)
    change(theirs["spec"])
    check = health.installed(TEMPLATE, theirs, "f.yaml")
    assert (check.good, check.advice) == (False, "kubectl apply -f f.yaml")
    assert check.found.endswith(f"at {where}")


def test_a_document_that_is_not_there_is_to_be_applied():
    assert health.installed(TEMPLATE, None, "f.yaml").found == "is not installed"


def test_a_missing_right_names_the_command_that_needs_it():
    check = health.right(("", "pods", "delete"), "`tiphys retry`", allowed=False)
    assert "`tiphys retry` will be refused" in check.found
    assert "delete pods" in check.advice
    assert health.right(("apps", "x", "get"), "y", allowed=True).good
