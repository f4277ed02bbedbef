"""Two nodes of a gang, as two processes here: what each pod of a JobSet runs."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import pinned
from tiphys.ml.features import Features
from tiphys.ml.training import dispatch, outcome
from tiphys.ml.training.request import Request, Settings
from tiphys.step import codec

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 300


@pytest.fixture(scope="module")
def request_(tmp_path_factory):
    """What is trained: rows whose label depends on one column."""
    folder = tmp_path_factory.mktemp("nodes")
    (folder / "data").mkdir()
    chance = np.random.default_rng(7)
    wind = chance.normal(size=3000)
    late = chance.random(3000) < 1 / (1 + np.exp(-wind))
    pq.write_table(
        pa.table({"wind": wind, "town": ["a", "b"] * 1500, "late": late}),
        folder / "data/2013-01.parquet",
    )
    return Request(
        dataset=pinned.pin(folder / "data", folder / "store"),
        remote=str(folder / "store"),
        months=["2013-01"],
        features=Features(label="late", numbers=["wind"], categories=["town"]),
        settings=Settings(epochs=3, seed=7, batch_rows=256, save_every_steps=10),
        workers=2,
        checkpoints=str(folder / "checkpoints"),
    )


@pytest.fixture
def start(tmp_path):
    """Start both nodes for a request."""
    started = []

    def start(asked):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        text = codec.encode(replace(asked, nodes=2), Request)
        for rank in "01":
            environment = {
                **os.environ,
                "PET_NNODES": "2",
                "PET_NODE_RANK": rank,
                "PET_MASTER_ADDR": "127.0.0.1",
                "PET_MASTER_PORT": port,
                "TIPHYS_PROGRESS": "log",
                "TIPHYS_TERMINATION_LOG": str(tmp_path / f"message-{rank}"),
            }
            command = ["-m", "tiphys.step", "tiphys.ml.training.node:work", f"--request={text}"]
            with (tmp_path / f"log-{rank}").open("w") as log:
                started.append(
                    subprocess.Popen(
                        [sys.executable, *command],
                        cwd=ROOT,
                        env=environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        return started

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_two_nodes_end_with_the_same_weights_as_one(request_, start, tmp_path):
    apart = replace(request_, checkpoints=str(tmp_path / "apart"))
    codes = [process.wait(PATIENCE_SECONDS) for process in start(apart)]
    said = (tmp_path / "log-0").read_text()
    assert codes == [0, 0], said + (tmp_path / "log-1").read_text()
    assert "tiphys.progress" in said
    assert outcome.bring(apart.place, tmp_path / "two").resumed_from == 0
    dispatch.train(request_, tmp_path / "one", {})
    two, one = ((tmp_path / name / outcome.WEIGHTS).read_bytes() for name in ("two", "one"))
    assert two == one


def test_when_one_node_is_told_to_go_both_save_and_leave(request_, start, until, tmp_path):
    settings = replace(request_.settings, epochs=3000)
    longer = replace(request_, settings=settings, checkpoints=str(tmp_path / "long"))
    first, second = start(longer)
    log = tmp_path / "log-0"
    until(lambda: "tiphys.progress" in log.read_text() or first.poll() is not None)
    second.terminate()
    codes = [process.wait(PATIENCE_SECONDS) for process in (first, second)]
    assert codes == [143, 143], log.read_text()
    assert "it saved and left" in (tmp_path / "message-0").read_text()
