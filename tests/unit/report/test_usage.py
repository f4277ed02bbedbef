import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes import node, run
from tiphys.manifest.profile import Tier
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


def test_capacity_is_counted_on_the_nodes_that_take_the_tier():
    tiers = [tier("any", tolerations=TOLERANT), tier("shy"), Tier(name="cpu")]
    counted = [level.capacity for level in usage.levels(tiers, [], NODES)]
    assert counted == [4, 0, 2]
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
