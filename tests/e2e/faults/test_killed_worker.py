"""A training worker is killed in the middle of a run: the gang goes on from its checkpoint."""

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import pinned
from tiphys.ml.data import Pin
from tiphys.ml.training import folders
from tiphys.step import codec

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]

TRAINING = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: training-}}
spec:
  entrypoint: train
  templates:
  - name: train
    container:
      image: tiphys.local/train
      workingDir: {folder}
      command: [python, -m, tiphys.step, "components.train:train"]
      args:
      - {dataset}
      - --remote={folder}/store
      - --months=["2013-01"]
      - --checkpoints={folder}/checkpoints
      - --epochs=60
      - --workers=2
      - --checkpoint=/tiphys/out/checkpoint
      - --returns.resumed_from=/tiphys/out/resumed_from
    outputs:
      parameters: [{{name: resumed_from, valueFrom: {{path: /tiphys/out/resumed_from}}}}]
"""


@pytest.fixture
def training(terminal):
    """A folder with the component, made-up rows, and a workflow that trains on them."""
    chance = np.random.default_rng(7)
    wind = chance.normal(size=12_000)
    late = chance.random(12_000) < 1 / (1 + np.exp(1 - wind))
    (terminal.folder / "rows").mkdir()
    rows = pa.table({"wind": wind, "town": pa.array(["a", "b"] * 6_000), "late": late})
    pq.write_table(rows, terminal.folder / "rows/2013-01.parquet")
    shutil.copytree(ROOT / "components", terminal.folder / "components")
    features = {"label": "late", "numbers": ["wind"], "categories": ["town"]}
    terminal.write("params.yaml", json.dumps({"features": features}))
    pin = pinned.pin(terminal.folder / "rows", terminal.folder / "store")
    dataset = json.dumps(f"--dataset={codec.encode(pin, Pin)}")
    terminal.write("training.yaml", TRAINING.format(folder=terminal.folder, dataset=dataset))
    return terminal


def below(process: int) -> list[int]:
    """Return the children of *process*, their children, and so on."""
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    except FileNotFoundError:
        return []
    return [one for child in map(int, listed.split()) for one in (child, *below(child))]


def workers(terminal) -> list[int]:
    """Return the processes that train in the only run there is."""
    (attempt,) = terminal.runs.glob("*/nodes/*/pid")
    found = []
    for process in below(int(attempt.read_text())):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if b"tiphys.ml.training.worker" in b" ".join(words) and b"--standalone" not in words:
            found.append(process)
    return found


def test_the_gang_starts_again_and_the_run_shows_where_it_resumed(training, until):
    run = training.start("run", "training.yaml", "--name", "training")
    until(lambda: list(training.folder.glob(f"checkpoints/*/step-*/{folders.COMPLETE}")))
    first, second = workers(training)
    os.kill(max(first, second), signal.SIGKILL)

    said = training.end(run)

    assert (said.code, said.err) == (0, "")
    # not `.tiphys()`: a worker's log holds a traceback, which that would take for ours
    log, _ = training.start("logs", "training").communicate()
    assert "The workers were restarted (1 of 3). Resumed at step " in log
    shown = training.tiphys("get", "training").out
    (resumed,) = [line.split()[-1] for line in shown.splitlines() if "resumed_from" in line]
    assert int(resumed) > 0
