"""Where a machine lets us limit the memory of an attempt, and how much the attempt may have."""

import pytest

from tiphys.manifest.model import Container, Template
from tiphys.runtime import memory


def mount(kind, where, root="/", options="rw"):
    return f"30 20 0:26 {root} {where} rw,nosuid shared:1 - {kind} {kind} {options}\n"


def only(*groups):
    """Return a judge that lets groups be made in these alone."""
    return lambda parent, _: parent in groups


def test_version_1_is_used_where_memory_has_a_hierarchy_of_its_own(tmp_path):
    own = tmp_path / "session"
    mounts = mount("cgroup2", tmp_path / "unified") + mount("cgroup", tmp_path, options="rw,memory")

    found = memory.find("5:cpu:/\n4:memory:/session\n0::/\n", mounts, only(own))

    assert (found.parent, found.home, found.whole) == (own, own, False)
    assert found.settings[0] == "memory.limit_in_bytes"


def test_version_2_takes_the_group_around_ours_because_ours_has_processes(tmp_path):
    outer = tmp_path / "app.slice"

    found = memory.find("0::/app.slice/shell.scope\n", mount("cgroup2", tmp_path), only(outer))

    assert (found.parent, found.home) == (outer, outer / "shell.scope")
    assert (found.settings, found.events, found.whole) == (("memory.max",), "memory.events", True)


def test_a_hierarchy_that_is_mounted_from_within_is_found(tmp_path):
    inner, mounts = tmp_path / "inner", mount("cgroup", tmp_path, "/docker/1", "memory")

    assert memory.find("4:memory:/docker/1/inner\n", mounts, only(inner)).home == inner


def test_where_no_group_may_be_made_there_is_none(tmp_path):
    mounts = mount("cgroup", tmp_path / "none", options="memory")

    assert memory.find("4:memory:/\n", mounts, memory.allowed) is None


def test_a_group_without_the_setting_is_no_group_and_leaves_nothing(tmp_path):
    assert memory.find("0::/\n", mount("cgroup2", tmp_path), memory.allowed) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "patch", "expected"),
    [
        ({"memory": "64Mi"}, "", 64 << 20),
        ({"memory": "64Mi"}, '{"containers":[{"name":"main","resources":{}}]}', 64 << 20),
        (
            {"memory": "64Mi"},
            '{"containers":[{"name":"main","resources":{"limits":{"memory":"1Gi"}}}]}',
            1 << 30,
        ),
        (
            {},
            '{"containers":[{"name":"sidecar","resources":{"limits":{"memory":"1Gi"}}}]}',
            None,
        ),
        ({"cpu": "1"}, "", None),
        ({"memory": 1000}, "", 1000),
    ],
)
def test_the_limit_is_the_patchs_else_the_templates(limits, patch, expected):
    container = Container(image="x", resources={"limits": limits})
    template = Template(name="t", container=container, pod={"podSpecPatch": patch})

    assert memory.limit(template) == expected
