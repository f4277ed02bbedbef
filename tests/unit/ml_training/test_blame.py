"""Why the workers of a gang failed: torchrun ends with 1 whatever it was."""

from types import SimpleNamespace

import pytest

from tiphys.ml.training import gang, worker
from tiphys.ml.training.outcome import GangFailedError
from tiphys.step import BadDevice, OutOfMemory

ECC = "CUDA error: uncorrectable ECC error encountered"


@pytest.fixture
def job(tmp_path):
    return SimpleNamespace(output=tmp_path, nodes=1)


def test_a_worker_whose_device_failed_leaves_word_of_it(job):
    with pytest.raises(RuntimeError, match="ECC"), worker.blaming(job.output):
        raise RuntimeError(ECC)

    with pytest.raises(BadDevice, match="ECC"):
        gang.blame(job, killed_for_memory=False)


def test_a_worker_that_failed_in_another_way_blames_nobody(job):
    with pytest.raises(ValueError, match="shape"), worker.blaming(job.output):
        raise ValueError("shape")

    with pytest.raises(GangFailedError, match="4 times"):
        gang.blame(job, killed_for_memory=False)


def test_a_worker_that_was_killed_for_memory_is_believed_before_all_else(job):
    (job.output / gang.BAD_DEVICE).write_text(ECC)

    with pytest.raises(OutOfMemory):
        gang.blame(job, killed_for_memory=True)
