"""Steps that end as machines make them end: what their policies make of it, shown by `get`.

The same steps fail on a cluster in `tests/cluster/test_failures.py`, with more failures.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import failing

PROFILE = """\
images: none
tiers:
  cpu: &small {limits: {memory: 200Mi}}
  gpu: *small
  spot:
    limits: {memory: 200Mi}
    nodeSelector: {pool: spot}
    onDemand: {nodeSelector: {pool: stays}}
storage:
  artifacts: .tiphys/storage/artifacts
  registry: .tiphys/storage/registry
  checkpoints: .tiphys/storage/checkpoints
  dvc: .tiphys/storage/dvc
  code: .tiphys/storage/artifacts/code
"""


class Project:
    def __init__(self, root):
        self.root = root

    def command(self, *words):
        return [str(Path(sys.executable).with_name("tiphys")), *words]

    def tiphys(self, *words):
        """Return what the command prints."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.root,
            env={**os.environ, "COLUMNS": "250"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def disturb(self, case, number, until):
        """Run *case*, send its supervisor a signal once the step is ready, and return `get`."""
        argv = self.command("run", f"manifests/local/{case}.yaml", "--name", case)
        with subprocess.Popen(argv, cwd=self.root, stdout=subprocess.DEVNULL) as run:
            ready = until(lambda: self.ready(case))
            os.kill(int(ready.with_name("pid").read_text()), number)
            assert run.wait(120) == 0
        return self.tiphys("get", case)

    def ready(self, case):
        logs = (self.root / ".tiphys" / "runs" / case).glob("nodes/*/log")
        return next((log for log in logs if failing.READY in log.read_text()), None)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("project") / "failing")
    failing.prepare(made.root, "local", PROFILE)
    return made


def test_a_step_that_was_told_to_go_goes_on_where_it_was(project, until):
    shown = project.disturb("preempted", signal.SIGTERM, until)

    assert "main: Error (exit code 143): saved at 400." in shown
    assert "→ preempted (1 of 1): again after 2 seconds, on demand" in shown
    assert "resumed_at    400" in shown
    assert "preempted 1 (the last on demand), bad input 0" in shown


def test_a_step_whose_machine_was_lost_is_tried_again(project, until):
    shown = project.disturb("lost-node", signal.SIGKILL, until)

    assert "→ lost node (1 of 5): again after 2 seconds" in shown


def test_a_step_with_a_bad_device_is_tried_again_elsewhere(project):
    project.tiphys("run", "manifests/local/bad-device.yaml", "--name", "bad-device")

    shown = project.tiphys("get", "bad-device")
    assert "exit 76" in shown
    assert "→ bad device (1 of 2): again after 2 seconds, on another node" in shown
