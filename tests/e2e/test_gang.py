"""Real torchrun gangs on made-up rows: a killed worker, a preemption, always the same weights."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tiphys.ml.training import folders

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
PROGRAM = """
import sys
from pathlib import Path
from tests import pinned
from tiphys import step
from tiphys.ml.features import Features
from tiphys.ml.training import dispatch
from tiphys.ml.training.request import Request, Settings

folder, name = Path(sys.argv[1]), sys.argv[2]
request = Request(
    dataset=pinned.pin(folder / "data", folder / "store"),
    remote=str(folder / "store"),
    months=["2013-01"],
    features=Features(label="late", numbers=["wind"], categories=["town"]),
    settings=Settings(epochs=30, seed=7, batch_rows=256, save_every_steps=20),
    workers=2,
    checkpoints=str(folder / name),
)
try:
    answer = dispatch.train(request, folder / f"{name}.out", {"TIPHYS_GANG": "local"})
except step.Preempted as preempted:
    sys.exit(f"preempted: {preempted}")
print("resumed from", answer.resumed_from)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rows whose label depends on both columns."""
    folder = tmp_path_factory.mktemp("gang")
    (folder / "data").mkdir()
    chance = np.random.default_rng(7)
    wind, town = chance.normal(size=4000), chance.integers(0, 3, size=4000)
    late = chance.random(4000) < 1 / (1 + np.exp(-wind - town + 1))
    names = pa.array(np.array(["a", "b", "c"])[town])
    pq.write_table(
        pa.table({"wind": wind, "town": names, "late": late}), folder / "data/2013-01.parquet"
    )
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    process: subprocess.Popen
    checkpoints: Path

    def wait_for_step(self, number):
        """Return once a checkpoint at or after *number* is complete."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for place in self.checkpoints.glob("*"):
                newest = folders.newest(place)
                if newest and folders.step_of(newest) >= number:
                    return
            time.sleep(0.01)
        pytest.fail(f"no checkpoint in time: {self.process.communicate()}")

    def workers(self):
        """The processes of the workers: children of children of this one."""
        agents = children(self.process.pid)
        return [worker for agent in agents for worker in children(agent)]

    def end(self):
        """Return the exit code and all that was said."""
        said, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, said


@pytest.fixture
def start(folder):
    started = []

    def start(name):
        command = [sys.executable, "-c", PROGRAM, str(folder), name]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return Training(process=process, checkpoints=folder / name)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def undisturbed(folder):
    command = [sys.executable, "-c", PROGRAM, str(folder), "undisturbed"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return weights(folder, "undisturbed")


def children(parent):
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in path.read_text().split()]


def weights(folder, name):
    return hashlib.sha256((folder / f"{name}.out/weights.pt").read_bytes()).hexdigest()


def test_a_training_that_was_preempted_and_lost_a_worker_ends_as_if_it_had_not(
    start, folder, undisturbed
):
    first = start("disturbed")
    first.wait_for_step(40)
    first.process.terminate()
    code, said = first.end()
    assert (code, "preempted: The training was told to go: it saved and left." in said) == (1, True)

    second = start("disturbed")
    second.wait_for_step(100)
    os.kill(second.workers()[1], signal.SIGKILL)
    code, said = second.end()
    assert code == 0, said
    assert "The workers were restarted (1 of 3). Resumed at step " in said
    assert "resumed from 0" not in said
    assert weights(folder, "disturbed") == undisturbed
