"""Why the workers of a gang failed: torchrun ends with 1 whatever it was."""

import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tiphys.errors import UserError
from tiphys.ml.training import gang, mark, worker
from tiphys.ml.training.outcome import GangFailedError
from tiphys.step import BadDevice, OutOfMemory, Preempted, Temporary, WrongInput

ECC = "CUDA error: uncorrectable ECC error encountered"


@pytest.fixture
def job(tmp_path):
    return SimpleNamespace(
        output=tmp_path, checkpoints=tmp_path, nodes=1, workers=1, write=lambda path: path.touch()
    )


@pytest.fixture
def train(job, monkeypatch):
    """Train with a program in the place of torchrun, which is given where the marks are."""

    def train(program, nodes=1):
        job.nodes = nodes
        command = [sys.executable, "-c", program, str(job.output)]
        monkeypatch.setattr(gang, "_command", lambda _job, _description: command)
        gang.train(job)

    return train


@pytest.mark.parametrize(
    ("failed", "kind", "says"),
    [
        (RuntimeError(ECC), BadDevice, "ECC"),
        (Temporary("s3 does not answer"), Temporary, "^s3 does not answer$"),
        (UserError("s3://ml", "access is refused."), WrongInput, "^s3://ml: access is refused.$"),
    ],
)
def test_a_worker_that_knows_how_it_failed_leaves_word_of_it(job, failed, kind, says):
    with pytest.raises(type(failed)), worker.blaming(job.output):
        raise failed

    with pytest.raises(kind, match=says):
        gang.blame(job, killed_for_memory=False)


def test_a_worker_that_failed_in_another_way_blames_nobody(job):
    with pytest.raises(ValueError, match="shape"), worker.blaming(job.output):
        raise ValueError("shape")

    with pytest.raises(GangFailedError, match="4 times"):
        gang.blame(job, killed_for_memory=False)


def test_a_worker_that_was_killed_for_memory_is_believed_before_all_else(job):
    mark.leave(job.output, RuntimeError(ECC))

    with pytest.raises(OutOfMemory):
        gang.blame(job, killed_for_memory=True)


WORD = """
from pathlib import Path
from tiphys.ml.training import mark
from tiphys.step import Temporary
mark.leave(Path(sys.argv[1]), Temporary("the last checkpoint is not copied"))
"""


def test_workers_that_know_how_they_failed_are_not_started_again(train):
    with pytest.raises(Temporary, match="the last checkpoint is not copied"):
        train(f"import sys, time\n{WORD}\ntime.sleep(60)")


def test_what_could_not_be_saved_on_the_way_out_is_no_mere_preemption(train):
    saved = "(Path(sys.argv[1]) / 'preempted').touch()"
    with pytest.raises(Temporary, match="the last checkpoint is not copied"):
        train(f"import sys\n{WORD}\n{saved}; sys.exit(1)")


def test_workers_that_saved_and_left_were_preempted(train):
    with pytest.raises(Preempted, match="saved and left"):
        train("import pathlib, sys; (pathlib.Path(sys.argv[1]) / 'preempted').touch()")


def test_nodes_that_wait_for_another_go_and_the_step_is_tried_again_later(train, monkeypatch):
    monkeypatch.setattr(gang, "JOINING", timedelta(seconds=0.2))
    with pytest.raises(Temporary, match=r"Not all 2 nodes came within 0:00:00\.2"):
        train("import time; time.sleep(60)", nodes=2)


def test_workers_that_fall_silent_after_they_had_started_are_a_temporary_failure(
    train, monkeypatch
):
    monkeypatch.setattr(gang, "STALL", timedelta(seconds=0.5))
    started = "(pathlib.Path(sys.argv[1]) / 'joined').touch()"
    with pytest.raises(Temporary, match=r"no sign of life for 0:00:00\.5"):
        train(f"import pathlib, sys, time; {started}; time.sleep(60)", nodes=2)


def test_a_gang_whose_workers_fail_as_they_start_has_failed(train):
    with pytest.raises(GangFailedError, match="The workers failed; their log says why"):
        train("import sys; sys.exit(1)", nodes=2)
