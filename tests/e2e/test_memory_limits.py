"""A step that takes more memory than its limit is killed here as on a cluster."""

import os
import signal
import threading
from pathlib import Path

import pytest

from tiphys import runtime
from tiphys.runtime import memory

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: test-}}
spec:
  entrypoint: main
  templates:
  - name: main
    retryStrategy: {{limit: "1", retryPolicy: Always}}
    podSpecPatch: {patch}
    container:
      image: python:3.11
      command: [python, -c]
      args: ["{program}"]
      resources: {{limits: {{memory: 64Mi}}}}
"""

EAT = "print(len(b'x' * (100 << 20)))"
DOUBLED = (
    '{"containers":[{"name":"main","resources":'
    '{"limits":{"memory":"{{=(asInt(retries)+1)*64}}Mi"}}}]}'
)

pytestmark = pytest.mark.skipif(
    memory.groups() is None, reason="memory limits: no control group may be made here"
)


@pytest.fixture
def groups(laptop):
    """Return those of this test's attempts; there must be none left of them."""

    def own():
        attempts = laptop.root.glob(".tiphys/runs/*/nodes/*")
        names = [f"tiphys-attempt-{attempt.stat().st_ino}" for attempt in attempts]
        return [name for name in names if (memory.groups().parent / name).exists()]

    yield own
    assert not own()


@pytest.fixture
def start(laptop, until):
    """Start a driver; return it, the supervisor's number and the attempt's."""

    def begin(program):
        driver = laptop.drive(manifest(program=program))
        nodes = laptop.journal.parent / "nodes"
        (process,) = until(lambda: [one for one in nodes.glob("*/process") if one.read_text()])
        until(lambda: "Started" in laptop.journal.read_text())
        return driver, int(process.with_name("pid").read_text()), int(process.read_text())

    return begin


def manifest(program=EAT, patch='{"containers":[]}'):
    return WORKFLOW.format(program=program, patch=f"'{patch}'")


@pytest.mark.usefixtures("groups")
def test_a_step_over_its_limit_is_killed_as_argo_says_it(laptop, by_name):
    outcome = laptop.run(manifest())

    attempts = [node for name, node in by_name(outcome).items() if name.endswith(")")]
    said = [(one["phase"], one["outputs"]["exitCode"], one["message"]) for one in attempts]
    assert said == [("Failed", "137", "main: OOMKilled (exit code 137)")] * 2
    assert not laptop.witness.warnings


@pytest.mark.usefixtures("groups")
def test_more_memory_for_the_next_attempt_is_more_memory_here(laptop, by_name):
    outcome = laptop.run(manifest(patch=DOUBLED))

    phases = {name[-3:]: node["phase"] for name, node in by_name(outcome).items()}
    assert (outcome.phase, phases["(0)"], phases["(1)"]) == ("Succeeded", "Failed", "Succeeded")


@pytest.mark.usefixtures("groups")
def test_a_worker_that_is_killed_is_said_though_its_parent_ends_in_its_own_way(laptop, by_name):
    parent = (
        "import subprocess, sys; c = [sys.executable, '-c', 'b = bytearray(100 << 20)'];"
        "sys.exit(1 if subprocess.run(c).returncode else 0)"
    )

    outcome = laptop.run(manifest(program=parent))

    messages = {node.get("message") for node in by_name(outcome).values()}
    assert "main: OOMKilled (exit code 1)" in messages


@pytest.mark.usefixtures("groups")
def test_what_a_step_leaves_running_on_purpose_lives_on_outside_the_limit(laptop):
    leave = (
        "import subprocess; p = subprocess.Popen(['sleep', '60'], start_new_session=True);"
        "open('/tmp/left', 'w').write(str(p.pid)); print(p.pid)"
    )

    outcome = laptop.run(manifest(program=leave))

    left = int(laptop.logs(outcome)[-1])
    groups_of_left = Path(f"/proc/{left}/cgroup").read_text()
    os.kill(left, signal.SIGKILL)
    assert outcome.phase == "Succeeded"
    assert "tiphys-attempt" not in groups_of_left


def test_an_attempt_dies_with_its_supervisor_as_with_its_node(
    laptop, by_name, groups, start, until
):
    driver, supervisor, child = start("import time; time.sleep(60)")
    assert groups()

    os.kill(supervisor, signal.SIGKILL)
    until(lambda: "Lost" in laptop.journal.read_text(), 20)  # long before it would have ended
    assert not alive(child)
    driver.kill()
    driver.wait()
    outcome = runtime.stop(laptop.root, "run", laptop.witness)

    assert by_name(outcome)[f"{outcome.name}(0)"]["phase"] == "Error"


def test_what_lost_its_supervisor_while_no_driver_lived_is_ended_by_the_next(
    laptop, by_name, groups, start
):
    driver, supervisor, child = start("import time; time.sleep(60)")
    driver.kill()
    driver.wait()
    os.kill(supervisor, signal.SIGKILL)
    assert alive(child)
    assert groups()

    outcome = runtime.stop(laptop.root, "run", laptop.witness)

    assert not alive(child)
    node = by_name(outcome)[f"{outcome.name}(0)"]
    stopped = "workflow shutdown with strategy:  Stop"  # the stop came before the loss was seen
    assert (node["phase"], node["message"]) == ("Failed", stopped)


def test_a_group_is_taken_away_though_the_driver_was_killed(laptop, groups, start):
    door = laptop.root / "door"
    wait = f"any(os.path.exists('{door}') or time.sleep(0.05) for _ in range(1200))"
    driver, _, child = start(f"import os, time; {wait}")
    driver.kill()
    driver.wait()
    assert alive(child)
    threading.Timer(0.5, door.touch).start()

    assert runtime.resume(laptop.root, "run", laptop.witness).phase == "Succeeded"
    assert not groups()


def alive(process):
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
