import pytest
from obstore.store import LocalStore

from tiphys.ml.training import folders


def checkpoint(directory, step, *, complete=True):
    path = folders.folder(directory, step)
    path.mkdir(parents=True)
    (path / "__0_0.distcp").write_text(str(step))
    if complete:
        (path / ".metadata").touch()
    return path


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "store", mkdir=True)


def test_only_a_complete_checkpoint_is_resumed(tmp_path):
    checkpoint(tmp_path, 50)
    checkpoint(tmp_path, 100, complete=False)
    assert folders.step_of(folders.newest(tmp_path)) == 50


def test_without_a_checkpoint_there_is_none(tmp_path):
    assert folders.newest(tmp_path / "nothing") is None


def test_the_last_two_are_kept_and_one_that_is_being_written(tmp_path):
    for step in (50, 100, 150):
        checkpoint(tmp_path, step)
    checkpoint(tmp_path, 75, complete=False)
    checkpoint(tmp_path, 200, complete=False)
    folders.prune(tmp_path)
    assert sorted(map(folders.step_of, tmp_path.glob("step-*"))) == [100, 150, 200]


def test_a_copy_in_a_store_comes_back_whole(tmp_path, store):
    for step in (50, 100, 150):
        folders.upload(checkpoint(tmp_path / "here", step), store)
    found = folders.download_newest(store, tmp_path / "there")
    assert folders.step_of(found) == 150
    assert (found / "__0_0.distcp").read_text() == "150"
    assert folders.newest(tmp_path / "there") == found


def test_a_store_keeps_the_last_two(tmp_path, store):
    for step in (50, 100, 150):
        folders.upload(checkpoint(tmp_path / "here", step), store)
    kept = {one["path"].partition("/")[0] for page in store.list() for one in page}
    assert kept == {"step-00000100", "step-00000150"}


def test_a_copy_that_was_cut_short_is_not_resumed(tmp_path, store):
    folders.upload(checkpoint(tmp_path / "here", 50), store)
    store.put("step-00000100/__0_0.distcp", b"half")
    assert folders.step_of(folders.download_newest(store, tmp_path / "there")) == 50


def test_an_empty_store_has_nothing_to_resume(tmp_path, store):
    assert folders.download_newest(store, tmp_path) is None
