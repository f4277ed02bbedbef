import functools
import hashlib
import json
import os
import shutil
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tiphys.errors import UserError
from tiphys.ml.data import Pin
from tiphys.ml.data.materialise import Fetched, materialise, node_cache
from tiphys.ml.data.pin import object_key
from tiphys.step import Temporary

OTHER_DISK = Path("/dev/shm")  # noqa: S108 -- what matters is that it is another disk
FILES = {"a.txt": b"alpha", "b/c.txt": b"charlie", "b/empty": b""}


def put(store, content, suffix=""):
    name = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    path = store / object_key(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def put_folder(store, files):
    listing = [{"md5": put(store, content), "relpath": name} for name, content in files.items()]
    md5 = put(store, json.dumps(listing).encode(), ".dir")
    size = sum(map(len, files.values()))
    return Pin(path="data/x", md5=md5, size=size, nfiles=len(files), revision="v1")


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def pin(store):
    return put_folder(store, FILES)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_is_linked_from_a_store_on_the_same_disk(pin, store, tmp_path):
    target = tmp_path / "target"
    fetched = materialise(pin, target, remote=str(store))
    assert fetched == Fetched(files=3, bytes=12, downloaded_bytes=0)
    assert content(target) == FILES
    assert (target / "a.txt").stat().st_nlink == 2


def test_a_single_file_is_placed_by_its_name(store, tmp_path):
    md5 = put(store, b"alpha")
    pin = Pin(path="data/one.csv", md5=md5, size=5, nfiles=1, revision="v1")
    materialise(pin, tmp_path / "target", remote=f"file://{store}")
    assert content(tmp_path / "target") == {"one.csv": b"alpha"}


@pytest.mark.skipif(not OTHER_DISK.is_dir(), reason="needs a second file system")
def test_from_another_disk_files_are_copied_and_counted(pin, store, tmp_path):
    other = OTHER_DISK / f"tiphys-{tmp_path.name}"
    shutil.copytree(store, other)
    try:
        fetched = materialise(pin, tmp_path / "target", remote=str(other))
    finally:
        shutil.rmtree(other)
    assert fetched.downloaded_bytes == 12
    assert content(tmp_path / "target") == FILES


def test_a_shared_cache_is_asked_before_the_remote(pin, store, tmp_path):
    fetched = materialise(pin, tmp_path / "target", remote="s3://not/asked", cache=store)
    assert fetched.downloaded_bytes == 0


@pytest.fixture
def remote(store, monkeypatch):
    """The URL of a server that has the store's objects."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://")  # allows what is not encrypted
    handler = functools.partial(Quiet, directory=str(store))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_second_fetch_through_a_cache_reads_nothing_from_the_remote(pin, remote, tmp_path):
    cache = tmp_path / "cache"
    first = materialise(pin, tmp_path / "1", remote=remote, cache=cache)
    second = materialise(pin, tmp_path / "2", remote=remote, cache=cache)
    assert (first.downloaded_bytes, second.downloaded_bytes) == (12, 0)
    assert content(tmp_path / "2") == FILES


@pytest.mark.skipif(not OTHER_DISK.is_dir(), reason="needs a second file system")
def test_what_is_copied_from_a_cache_on_another_disk_was_not_downloaded(pin, remote, tmp_path):
    cache = OTHER_DISK / f"tiphys-{tmp_path.name}"
    try:
        materialise(pin, tmp_path / "1", remote=remote, cache=cache)
        fetched = materialise(pin, tmp_path / "2", remote=remote, cache=cache)
    finally:
        shutil.rmtree(cache)
    assert fetched.downloaded_bytes == 0
    assert content(tmp_path / "2") == FILES


def test_what_is_damaged_in_a_cache_is_brought_again(pin, remote, tmp_path):
    cache = tmp_path / "cache"
    materialise(pin, tmp_path / "1", remote=remote, cache=cache)
    kept = cache / object_key(hashlib.md5(b"charlie", usedforsecurity=False).hexdigest())
    kept.chmod(0o644)
    kept.write_bytes(b"chorlie")
    fetched = materialise(pin, tmp_path / "2", remote=remote, cache=cache)
    assert fetched.downloaded_bytes == len(b"charlie")
    assert content(tmp_path / "2") == FILES


def test_another_user_of_the_group_may_add_to_a_cache(pin, remote, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    before = os.umask(0o077)
    try:
        materialise(pin, tmp_path / "one", remote=remote, cache=cache)
    finally:
        os.umask(before)
    folders = [path for path in cache.rglob("*") if path.is_dir()]
    assert len(folders) > 2
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o775}


def test_a_cache_that_may_not_be_written_is_named_and_no_refusal_of_the_remote(
    pin, remote, tmp_path, monkeypatch
):
    def refused(*_args, **_options):
        raise PermissionError

    cache = tmp_path / "cache"
    with monkeypatch.context() as patched:  # root may write everywhere
        patched.setattr(Path, "chmod", refused)
        with pytest.raises(UserError, match=f"{cache}: user .* may not write here"):
            materialise(pin, tmp_path / "one", remote=remote, cache=cache)


def test_of_what_does_not_come_whole_nothing_stays_in_a_cache(pin, remote, store, tmp_path):
    (store / object_key(pin.md5)).unlink()
    with pytest.raises(UserError, match="is not in"):
        materialise(pin, tmp_path / "one", remote=remote, cache=tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_cache_is_there_where_the_template_says_so():
    assert node_cache({}) is None
    assert node_cache({"TIPHYS_CACHE": ""}) is None
    assert node_cache({"TIPHYS_CACHE": "/tiphys/cache"}) == Path("/tiphys/cache")


def test_a_missing_object_is_named_with_what_to_do(pin, store, tmp_path):
    (store / object_key(hashlib.md5(b"charlie", usedforsecurity=False).hexdigest())).unlink()
    with pytest.raises(UserError, match=r"^data/x/b/c\.txt: its object .* Run `dvc push`"):
        materialise(pin, tmp_path / "target", remote=str(store))


def test_a_corrupted_object_is_named_and_not_used(pin, store, tmp_path):
    key = object_key(hashlib.md5(b"charlie", usedforsecurity=False).hexdigest())
    (store / key).write_bytes(b"chorlie")
    with pytest.raises(UserError, match=r"data/x/b/c\.txt: .* is corrupted: 7 bytes with MD5"):
        materialise(pin, tmp_path / "target", remote=str(store))
    assert not (tmp_path / "target/b/c.txt").exists()


def test_a_corrupted_list_of_files_is_not_believed(pin, store, tmp_path):
    (store / pin.key).write_bytes(b"[]")
    with pytest.raises(UserError, match="is corrupted"):
        materialise(pin, tmp_path / "target", remote=str(store))


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", "."])
def test_a_list_that_leaves_the_folder_is_refused(store, tmp_path, path):
    pin = put_folder(store, {path: b"x"})
    with pytest.raises(UserError, match="Paths must be below the folder"):
        materialise(pin, tmp_path / "target", remote=str(store))
    assert not (tmp_path / "out").exists()


def test_a_pin_that_says_another_size_is_refused(pin, store, tmp_path):
    with pytest.raises(UserError, match="its pin says 3 files of 13 bytes"):
        materialise(replace(pin, size=13), tmp_path / "target", remote=str(store))


def test_a_remote_that_does_not_answer_is_a_temporary_failure(pin, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with pytest.raises(Temporary, match="s3://bucket/dvc does not answer"):
        materialise(pin, tmp_path / "target", remote="s3://bucket/dvc")
