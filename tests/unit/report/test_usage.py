import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes import node, run
from tiphys.manifest.profile import Tier
from tiphys.ml.training.jobset import Gang
from tiphys.report import usage
from tiphys.report.quantities import amount, spelled

NODES = json.loads((Path(__file__).parent / "waiting" / "nodes.json").read_text())
GPU = "nvidia.com/gpu"
TOLERANT = ({"key": GPU, "operator": "Exists"},)


def tier(name, nodes=1, **fields):
    return Tier(name=name, limits={GPU: "2"}, nodes=nodes, **fields)


def busy(*nodes, name="gpu"):
    one = run(*nodes, tasks=[])
    annotations = {usage.TIER: name}
    one["spec"]["templates"] += [
        {"name": one, "metadata": {"annotations": annotations}} for one in ("a", "b", "c")
    ]
    return one


def test_running_steps_use_devices_and_pending_ones_wait():
    one = busy(node("a", phase="Running"), node("b", phase="Pending"), node("c"))
    (level,) = usage.levels([tier("gpu", capacity=8)], usage.uses([one]), None)
    assert (level.unit, level.capacity, level.used, level.waiting) == (GPU, 8, 2, 1)
    assert not level.counted


def test_a_step_on_several_nodes_uses_those_of_each():
    one = busy(node("a", phase="Running"))
    (level,) = usage.levels([tier("gpu", nodes=3)], usage.uses([one]), None)
    assert (level.used, level.capacity) == (6, None)


def gang(of, *phases):
    """Return the pods of the gang of node *of*, named as its launcher names them."""
    own = Gang(workflow="r", node=of, owner="", owner_uid="", nodes=2, pod={}).name
    return [
        {
            "metadata": {"labels": {"jobset.sigs.k8s.io/jobset-name": own}},
            "spec": {"nodeName": f"n{number}"} if phase == "Running" else {},
            "status": {"phase": phase},
        }
        for number, phase in enumerate(phases)
    ]


@pytest.mark.parametrize(
    ("phases", "used", "waiting", "host"),
    [
        ((), 0, 1, ""),
        (("Pending", "Pending"), 0, 1, ""),
        (("Running", "Pending"), 2, 1, "n0"),
        (("Running", "Running"), 4, 0, "n0, n1"),
        (("Running", "Succeeded"), 2, 0, "n0"),
        (("Failed", "Pending", "Pending"), 0, 1, ""),
    ],
)
def test_a_gang_uses_what_its_own_pods_have(phases, used, waiting, host):
    one = busy(node("a", phase="Running", hostNodeName="small"))
    tiers = {"gpu": tier("gpu", nodes=2)}
    pods = [*gang("r.a", *phases), *gang("r.b", "Running", "Running")]
    (use,) = usage.of_gangs(usage.uses([one]), tiers, pods)
    (level,) = usage.levels(tiers.values(), [use], None)
    assert (level.used, level.waiting, use.host) == (used, waiting, host)


def test_a_gang_is_that_of_every_attempt_of_its_step():
    one = busy(node("a(1)", templateName="a", phase="Running"))
    tiers = {"gpu": tier("gpu", nodes=2)}
    (use,) = usage.of_gangs(usage.uses([one]), tiers, gang("r.a(0)", "Running", "Running"))
    assert (use.running, use.pods) == (True, 2)


def test_a_step_of_one_node_and_one_of_no_tier_have_no_gang():
    used = usage.uses([busy(node("a", phase="Running")), run(node("b", phase="Running"), tasks=[])])
    assert usage.of_gangs(used, {"gpu": tier("gpu")}, gang("r.a", "Pending")) == used
    assert not any(usage.launches(use, {"gpu": tier("gpu")}) for use in used)


def test_capacity_is_counted_on_the_nodes_that_take_the_tier():
    tiers = [tier("any", tolerations=TOLERANT), tier("shy"), Tier(name="cpu")]
    counted = [level.capacity for level in usage.levels(tiers, [], NODES)]
    assert counted == [4, 0, 2]
    joining = {"metadata": {"name": "joining"}, "spec": {}, "status": {}}
    assert usage.levels([Tier(name="cpu")], [], [*NODES, joining])[0].capacity == 2
    elsewhere = tier("far", node_selector={"zone": "moon"}, tolerations=TOLERANT)
    assert usage.levels([elsewhere], [], NODES)[0].capacity == 0


def test_a_step_of_a_foreign_template_has_no_tier():
    one = run(node("a", phase="Running"), tasks=[])
    (use,) = usage.uses([one])
    assert (use.tier, use.step, use.run) == ("", "a", "r")


@pytest.mark.parametrize(
    ("text", "value", "resource", "shown"),
    [
        ("1500m", "1.5", "cpu", "1.5"),
        ("24581692Ki", "25171652608", "memory", "23.4Gi"),
        ("512Mi", "536870912", "memory", "512Mi"),
        ("4", "4", GPU, "4"),
        ("much", "0", "cpu", "0"),
    ],
)
def test_amounts_are_read_and_shown(text, value, resource, shown):
    assert amount(text) == Decimal(value)
    assert spelled(amount(text), resource) == shown
