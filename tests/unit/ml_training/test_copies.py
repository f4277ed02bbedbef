"""Checkpoints copied to a store that is away for a while, or for good, or refuses us."""

import pytest
from obstore import exceptions
from obstore.store import LocalStore

from tiphys.ml.storage import StorageError
from tiphys.ml.training import copies, folders
from tiphys.ml.training.copies import Copies
from tiphys.step import Temporary

PLACE = "s3://ml/checkpoints"
AWAY = exceptions.GenericError("error sending request: Connection refused")
REFUSED = exceptions.PermissionDeniedError("403 Forbidden")


class Store:
    """A directory that fails as it is told, one failure a copy."""

    def __init__(self, directory, failures):
        self.there, self.failures = LocalStore(directory, mkdir=True), list(failures)

    def put(self, name, path):
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        return self.there.put(name, path)

    def list(self):
        return self.there.list()

    def delete(self, names):
        return self.there.delete(names)


@pytest.fixture
def checkpoint(tmp_path):
    path = folders.folder(tmp_path, 50)
    path.mkdir()
    (path / ".metadata").touch()
    return path


@pytest.fixture
def make(tmp_path, checkpoint):
    """Make a copy after each of some minutes; returns what the store has."""

    def make(failures, minutes, *, last=False):
        store = Store(tmp_path / "store", failures)
        times = iter(minutes)
        made = Copies(PLACE, store, now=lambda: next(times) * 60.0)
        for number in range(1, len(minutes) + 1):
            made.make(checkpoint, last=last and number == len(minutes))
        return folders.download_newest(store.there, tmp_path / "back")

    return make


def test_a_copy_that_fails_is_told_in_a_sentence_and_the_next_one_is_made(make, capsys):
    assert make([AWAY, None], [0, 1]).name == "step-00000050"
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("The copy of step-00000050 failed: s3://ml/checkpoints does not answer:")
    assert said.endswith("The training goes on, and the next checkpoint is copied.")


def test_the_last_copy_must_not_fail(make):
    with pytest.raises(Temporary, match="The last checkpoint was not copied: s3://ml/checkpoints"):
        make([AWAY], [0], last=True)


def test_a_training_whose_copies_have_failed_for_long_ends(make):
    assert copies.PATIENCE.total_seconds() == 10 * 60
    with pytest.raises(Temporary, match="No checkpoint was copied for 0:10:00: s3://ml"):
        make([AWAY] * 3, [0, 9, 11])


def test_a_copy_that_was_made_in_between_counts(make):
    make([AWAY, AWAY, None, AWAY, AWAY], [0, 9, 10, 11, 20])


def test_a_store_that_refuses_us_is_wrong_input_at_once(make, capsys):
    with pytest.raises(StorageError, match="access is refused"):
        make([REFUSED], [0])
    assert capsys.readouterr().out == ""
