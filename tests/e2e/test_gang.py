"""Real torchrun gangs on made-up rows: a killed worker, a preemption, always the same weights.

And what stops one at once, what stops none: storage that is away or refuses, a node that is alone.
"""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fakes import Answering
from tiphys.ml.training import folders

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 300
EPOCHS = "60"
"""Of 14 steps each: a training goes on for seconds after its first checkpoint."""
PROGRAM = """
import sys
from pathlib import Path
from tests import pinned
from tiphys import step
from tiphys.ml.features import Features
from tiphys.ml.training import dispatch
from tiphys.ml.training.request import Request, Settings

folder, name, epochs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
out = folder / (name.rpartition("/")[2] + ".out")
request = Request(
    dataset=pinned.pin(folder / "data", folder / "store"),
    remote=str(folder / "store"),
    months=["2013-01"],
    features=Features(label="late", numbers=["wind"], categories=["town"]),
    settings=Settings(epochs=epochs, seed=7, batch_rows=256, save_every_steps=20),
    workers=2,
    checkpoints=name if "://" in name else str(folder / name),
)
try:
    answer = dispatch.train(request, out, {"TIPHYS_GANG": "local"})
except (step.Preempted, step.Temporary, step.WrongInput) as failure:
    sys.exit(f"{type(failure).__name__}: {failure}")
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
    found: int
    """The step of the checkpoint that it resumes from."""

    def wait_for_a_checkpoint(self):
        """Return once it has saved one of its own."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if newest_step(self.checkpoints) > self.found:
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
        command = [sys.executable, "-c", PROGRAM, str(folder), name, EPOCHS]
        found = newest_step(folder / name)
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return Training(process=process, checkpoints=folder / name, found=found)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def undisturbed(folder):
    command = [sys.executable, "-c", PROGRAM, str(folder), "undisturbed", EPOCHS]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return weights(folder, "undisturbed")


def newest_step(checkpoints):
    newest = (folders.newest(place) for place in checkpoints.glob("*"))
    return max((folders.step_of(one) for one in newest if one), default=0)


def children(parent):
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in path.read_text().split()]


def weights(folder, name):
    return hashlib.sha256((folder / f"{name}.out/weights.pt").read_bytes()).hexdigest()


def test_a_training_that_was_preempted_and_lost_a_worker_ends_as_if_it_had_not(
    start, folder, undisturbed
):
    first = start("disturbed")
    first.wait_for_a_checkpoint()
    first.process.terminate()
    code, said = first.end()
    assert (code, "Preempted: The training was told to go: it saved and left." in said) == (1, True)

    second = start("disturbed")
    second.wait_for_a_checkpoint()
    os.kill(second.workers()[1], signal.SIGKILL)
    code, said = second.end()
    assert code == 0, said
    assert "The workers were restarted (1 of 3). Resumed at step " in said
    assert "resumed from 0" not in said
    assert weights(folder, "disturbed") == undisturbed


class Storage(Answering):
    """A bucket with nothing in it, which takes nothing: it answers as the server was told to."""

    def do_GET(self):
        self.answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")

    def do_PUT(self):
        self.body()
        self.server.refused += 1
        self.answer(self.server.says)


@pytest.fixture
def train(folder):
    """Train for two epochs, which are 28 steps, with checkpoints in a bucket that takes none."""

    def train(says):
        with ThreadingHTTPServer(("127.0.0.1", 0), Storage) as server:
            server.says, server.refused = says, 0
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
            address = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
            ended = subprocess.run(
                [sys.executable, "-c", PROGRAM, str(folder), f"s3://ml/said-{says}", "2"],
                cwd=ROOT,
                env=os.environ | keys | address,
                capture_output=True,
                text=True,
                check=False,
            )
            server.shutdown()
            return ended, server.refused

    return train


def test_a_copy_that_fails_stops_no_training_but_the_last_one_is_a_temporary_failure(train):
    ended, _ = train(503)
    assert "The copy of step-00000020 failed: s3://ml/said-503/" in ended.stdout
    assert "Temporary: The last checkpoint was not copied: s3://ml/said-503/" in ended.stderr
    assert "restarted" not in ended.stdout


def test_keys_that_storage_does_not_take_are_wrong_input_at_once(train):
    ended, refused = train(403)
    assert "WrongInput: s3://ml/said-403/" in ended.stderr
    assert "access is refused. Are AWS_ACCESS_KEY_ID and" in ended.stderr
    assert refused == 1


ALONE = """
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from tiphys import step
from tiphys.ml.training import gang

gang.JOINING = timedelta(seconds=8)
folder = Path(sys.argv[1])
job = SimpleNamespace(
    output=folder, checkpoints=folder, nodes=2, workers=1, write=lambda path: path.touch()
)
try:
    gang.train(job)
except step.Temporary as temporary:
    sys.exit(f"temporary: {temporary}")
"""


def test_a_node_that_no_other_joins_goes_and_nothing_of_it_is_left(tmp_path):
    place = {"PET_NNODES": "2", "PET_NODE_RANK": "0", "PET_MASTER_ADDR": "localhost"}
    process = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | place | {"PET_MASTER_PORT": "29417"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "temporary: Not all 2 nodes came within 0:00:08.\n" in process.stderr
    assert process.returncode == 1
