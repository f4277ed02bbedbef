"""The driver dies or is interrupted; nothing that had finished runs again, nothing runs twice."""

import os
import random
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tiphys import runtime
from tiphys.engine.status import held
from tiphys.errors import UserError
from tiphys.report.rows import moment

CHAIN_AND_FAN = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: test-}}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {{name: a, template: work, arguments: {{parameters: [{{name: who, value: a}}]}}}}
    - - name: fan
        template: work
        arguments: {{parameters: [{{name: who, value: "fan{{{{item}}}}"}}]}}
        withSequence: {{count: "4"}}
    - - {{name: z, template: work, arguments: {{parameters: [{{name: who, value: z}}]}}}}
  - name: work
    inputs: {{parameters: [{{name: who}}]}}
    outputs: {{parameters: [{{name: out, valueFrom: {{path: /tmp/out}}}}]}}
    container:
      image: busybox
      command: [sh, -c]
      args:
      - >-
        echo "start {{{{inputs.parameters.who}}}}" >> {seen};
        {work};
        echo done > /tmp/out;
        echo "end {{{{inputs.parameters.who}}}}" >> {seen}
"""

APPROVALS = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: test-}
spec:
  entrypoint: main
  onExit: bye
  templates:
  - name: main
    steps: [[{name: approve, template: wait}]]
  - name: wait
    suspend: {}
  - name: bye
    suspend: {duration: "2"}
"""

STEPS = ["a", "fan0", "fan1", "fan2", "fan3", "z"]


@pytest.fixture
def start(laptop):
    """Start a driver in a process of its own; return it and the file that steps append to."""
    seen = laptop.root / "seen"

    def begin(work: str) -> tuple[subprocess.Popen, Path]:
        return laptop.drive(CHAIN_AND_FAN.format(seen=seen, work=work)), seen

    yield begin
    let_go(laptop.root, STEPS)


def waiting(folder):
    """Return the work of a step that ends once there is a file of its name in *folder*."""
    return f"until test -e {folder}/{{{{inputs.parameters.who}}}}; do sleep 0.05; done"


def let_go(folder, steps):
    for step in steps:
        (folder / step).touch()


@pytest.mark.parametrize("moment", range(20))
def test_a_killed_driver_is_taken_over_and_nothing_runs_twice(laptop, start, until, moment):
    dice = random.Random(moment)  # noqa: S311 -- a moment, not a secret
    driver, seen = start("sleep 0.05")
    until(lambda: laptop.journal.exists() or driver.poll() is not None)
    time.sleep(dice.uniform(0, 0.4))
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    try:
        outcome = runtime.resume(laptop.root, "run", laptop.witness)
    except UserError:  # it had ended
        assert runtime.get(laptop.root, "run")["status"]["phase"] == "Succeeded"
    else:
        assert outcome.phase == "Succeeded"
    lines = sorted(seen.read_text().splitlines())
    assert lines == sorted([f"start {s}" for s in STEPS] + [f"end {s}" for s in STEPS])


def test_an_attempt_that_vanished_with_its_supervisor_is_an_error(laptop, start, until):
    driver, seen = start("sleep 30")
    until(seen.exists)
    (pid,) = laptop.journal.parent.glob("nodes/*/pid")
    until(lambda: "Started" in laptop.journal.read_text())
    driver.kill()
    driver.wait()
    supervisor = int(pid.read_text())
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    os.kill(supervisor, signal.SIGKILL)
    os.killpg(int(children[0]), signal.SIGKILL)
    outcome = runtime.resume(laptop.root, "run", laptop.witness)
    assert outcome.phase in {"Error", "Failed"}
    assert "vanished" in str(outcome.workflow["status"]["nodes"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_its_steps_and_can_be_resumed(laptop, start, until, number):
    let_go(laptop.root, ["a"])
    driver, seen = start(waiting(laptop.root))
    until(lambda: seen.exists() and "start fan" in seen.read_text())
    driver.send_signal(number)
    assert driver.wait() == 130
    assert seen.read_text().count("end fan") == 0
    shown = runtime.get(laptop.root, "run")
    assert shown["metadata"]["annotations"]["tiphys/driver"] == "absent"
    let_go(laptop.root, STEPS)
    outcome = runtime.resume(laptop.root, "run", laptop.witness)
    assert outcome.phase == "Succeeded"
    assert seen.read_text().count("start a\n") == 1
    assert seen.read_text().count("end fan") == 4


def test_a_driven_run_is_not_driven_twice_but_can_be_stopped(laptop, start, until):
    driver, seen = start("sleep 30")
    until(seen.exists)
    with pytest.raises(UserError, match=str(driver.pid)):
        runtime.resume(laptop.root, "run", laptop.witness)
    assert runtime.stop(laptop.root, "run", laptop.witness) is None
    assert driver.wait() == 0
    assert runtime.get(laptop.root, "run")["status"]["phase"] == "Failed"
    with pytest.raises(UserError, match="tiphys retry run"):
        runtime.resume(laptop.root, "run", laptop.witness)


def test_a_run_without_a_driver_can_be_stopped(laptop, start, until):
    driver, seen = start("sleep 30")
    until(seen.exists)
    until(lambda: "Started" in laptop.journal.read_text())
    driver.kill()
    driver.wait()
    outcome = runtime.stop(laptop.root, "run", laptop.witness)
    assert outcome.phase == "Failed"
    assert "end a" not in seen.read_text()


def test_stopping_a_run_without_a_driver_approves_nothing(laptop, by_name, until):
    driver = laptop.drive(APPROVALS)
    until(lambda: laptop.journal.exists() and held(runtime.get(laptop.root, "run")))
    driver.kill()
    driver.wait()

    found = by_name(runtime.stop(laptop.root, "run", laptop.witness))

    said = "Stopped with strategy 'Stop'"
    assert (found["approve"]["phase"], found["approve"]["message"]) == ("Failed", said)
    bye = found["run.onExit"]
    assert moment(bye["finishedAt"]) - moment(bye["startedAt"]) >= timedelta(seconds=1)


def test_a_killed_nursery_is_replaced(laptop, start, until):
    driver, seen = start(waiting(laptop.root))
    until(seen.exists)
    children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    let_go(laptop.root, STEPS)
    assert driver.wait() == 0
    assert runtime.get(laptop.root, "run")["status"]["phase"] == "Succeeded"
