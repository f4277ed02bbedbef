import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore

from tiphys.errors import UserError
from tiphys.ml import digest
from tiphys.ml.registry import (
    CorruptVersionError,
    MovedError,
    OutdatedError,
    Provenance,
    Registry,
)

NOBODY = Provenance()


@pytest.fixture(params=["memory", "directory"])
def registry(request, tmp_path):
    store = MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "r", mkdir=True)
    return Registry(store)


@pytest.fixture
def make(tmp_path):
    def make(word):
        directory = tmp_path / "models" / word
        directory.mkdir(parents=True)
        (directory / "model.onnx").write_text(word)
        (directory / "model.json").write_text("{}")
        return directory

    return make


@pytest.fixture
def deployed(registry, make):
    """A registry in which `champion` has named a, b and c in turn."""
    versions = [registry.register("m", make(word), NOBODY).hash for word in "abc"]
    for version in versions:
        registry.alias("m", "champion", version, NOBODY)
    return registry, versions


def test_a_version_is_named_by_its_content(registry, make):
    version = registry.register("m", make("a"), Provenance(dvc_revision="v1"))
    assert version.hash == digest.of_directory(make("b").parent / "a")
    assert registry.version("m", version.hash) == version
    assert version.provenance.dvc_revision == "v1"


def test_registering_twice_keeps_the_first(registry, make):
    directory = make("a")
    first = registry.register("m", directory, Provenance(workflow_uid="1"))
    assert registry.register("m", directory, Provenance(workflow_uid="2")) == first


def test_a_version_comes_back_as_it_went_in(registry, make, tmp_path):
    version = registry.register("m", make("a"), NOBODY)
    directory = registry.fetch("m", version.hash, tmp_path / "cache" / "a")
    assert (directory / "model.onnx").read_text() == "a"
    assert sorted(path.name for path in directory.iterdir()) == ["model.json", "model.onnx"]
    assert registry.fetch("m", version.hash, directory) == directory


def test_a_spoilt_copy_on_the_disk_is_brought_again(registry, make, tmp_path):
    version = registry.register("m", make("a"), NOBODY)
    directory = registry.fetch("m", version.hash, tmp_path / "cache" / "a")
    (directory / "model.onnx").write_text("bad")
    assert (registry.fetch("m", version.hash, directory) / "model.onnx").read_text() == "a"


def test_a_corrupted_version_never_reaches_the_disk(registry, make, tmp_path):
    version = registry.register("m", make("a"), NOBODY)
    registry.store.put(f"models/m/versions/{version.hash}/model.onnx", b"bad")
    with pytest.raises(CorruptVersionError, match="Register the model again"):
        registry.fetch("m", version.hash, tmp_path / "cache" / "a")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_alias_names_nothing_at_first(registry):
    assert registry.get("m", "champion") is None
    assert registry.history("m", "champion") == ()
    assert registry.models() == ()


def test_an_alias_is_the_last_entry_of_its_log(deployed):
    registry, versions = deployed
    assert registry.get("m", "champion").version == versions[-1]
    history = registry.history("m", "champion")
    assert [entry.version for entry in history] == versions
    assert [entry.number for entry in history] == [1, 2, 3]
    assert history[0].at.tzinfo is not None
    assert registry.models() == ("m",)


def test_an_entry_carries_where_it_comes_from(registry, make):
    version = registry.register("m", make("a"), NOBODY).hash
    reason = Provenance(dvc_revision="v1", data_hash="d", decision_hash="e", workflow_uid="u")
    registry.alias("m", "champion", version, reason)
    assert registry.get("m", "champion").provenance == reason


def test_naming_what_is_named_already_writes_nothing(deployed):
    registry, versions = deployed
    registry.alias("m", "champion", versions[-1], NOBODY, expected="something else")
    assert len(registry.history("m", "champion")) == 3


def test_an_alias_that_moved_meanwhile_is_not_moved_again(deployed):
    registry, versions = deployed
    with pytest.raises(MovedError, match="another run was first"):
        registry.alias("m", "champion", versions[0], NOBODY, expected=versions[1])
    with pytest.raises(MovedError):
        registry.alias("m", "champion", versions[0], NOBODY, expected="")
    assert registry.get("m", "champion").version == versions[2]


def test_an_alias_names_only_registered_versions(registry):
    with pytest.raises(UserError, match="there is no version beef"):
        registry.alias("m", "champion", "beef", NOBODY)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden"])
def test_a_name_is_no_path(registry, name):
    with pytest.raises(UserError, match="is no name"):
        registry.get(name, "champion")


def test_an_alias_does_not_go_back_to_older_code(registry, make):
    old, new, taken = (registry.register("m", make(w), NOBODY).hash for w in ("old", "new", "bad"))
    registry.alias("m", "champion", new, Provenance(order="2026-01-02T00:00:00Z"))
    with pytest.raises(OutdatedError, match=r"2026-01-02.* outdated"):
        registry.alias("m", "champion", old, Provenance(order="2026-01-01T00:00:00Z"))
    registry.alias("m", "champion", taken, Provenance(order="2026-01-04T00:00:00Z"))
    registry.rollback("m", "champion", Provenance(order="2026-01-04T00:00:00Z"))
    registry.alias("m", "champion", old, Provenance(order="2026-01-03T00:00:00Z"))
    assert registry.get("m", "champion").version == old


def test_a_rollback_returns_to_the_version_before(deployed):
    registry, (_, b, _) = deployed
    entry = registry.rollback("m", "champion", NOBODY)
    assert (entry.version, entry.kind, entry.number) == (b, "rollback", 4)


def test_two_rollbacks_go_back_by_two(deployed):
    registry, (a, _, _) = deployed
    registry.rollback("m", "champion", NOBODY)
    assert registry.rollback("m", "champion", NOBODY).version == a


def test_before_the_first_version_an_alias_names_nothing(deployed):
    registry, (a, _, _) = deployed
    for _ in range(3):
        registry.rollback("m", "champion", NOBODY)
    assert registry.get("m", "champion") is None
    with pytest.raises(UserError, match="names nothing"):
        registry.rollback("m", "champion", NOBODY)
    assert registry.alias("m", "champion", a, NOBODY, expected="").number == 7  # 3 + 3 + 1


def test_a_move_after_a_rollback_starts_from_there(deployed):
    registry, (a, b, _) = deployed
    registry.rollback("m", "champion", NOBODY)
    registry.alias("m", "champion", a, NOBODY)
    assert registry.rollback("m", "champion", NOBODY).version == b


def test_a_move_is_not_taken_back_once_another_run_has_moved_on(deployed):
    registry, (_, b, c) = deployed
    with pytest.raises(MovedError, match="another run was first"):
        registry.rollback("m", "champion", NOBODY, expected=b)
    assert registry.get("m", "champion").version == c
    assert len(registry.history("m", "champion")) == 3
    assert registry.rollback("m", "champion", NOBODY, expected=c).version == b


def test_a_rollback_that_was_done_is_not_done_again(registry, make):
    version = registry.register("m", make("a"), NOBODY).hash
    registry.alias("m", "champion", version, NOBODY)
    registry.rollback("m", "champion", NOBODY, expected=version)
    with pytest.raises(MovedError, match="names nothing"):
        registry.rollback("m", "champion", NOBODY, expected=version)


def test_lineage_is_counted(registry):
    assert [registry.record({"run": number}) for number in (1, 2)] == [1, 2]
    assert [record.body["run"] for record in registry.runs()] == [1, 2]


def start_together(url):
    """Wait until eight processes are here, so that they really race."""
    gate = Path(url + "-start")
    gate.mkdir(exist_ok=True)
    (gate / str(os.getpid())).touch()
    while len(list(gate.iterdir())) < 8:
        time.sleep(0.001)


def append_five(url):
    registry = Registry.open(url)
    start_together(url)
    for _ in range(5):
        registry.record({"writer": url})


def move_from_nothing(argument):
    url, version = argument
    start_together(url)
    try:
        return Registry.open(url).alias("m", "champion", version, NOBODY, expected="").version
    except MovedError:
        return None


def test_of_eight_racing_writers_none_loses_a_record(tmp_path):
    with ProcessPoolExecutor(8, get_context("spawn")) as pool:
        list(pool.map(append_five, [str(tmp_path / "r")] * 8))
    numbers = [record.number for record in Registry.open(str(tmp_path / "r")).runs()]
    assert numbers == list(range(1, 41))  # 8 writers x 5


def test_of_eight_deciders_against_one_state_exactly_one_wins(tmp_path, make):
    registry = Registry.open(str(tmp_path / "r"))
    versions = [registry.register("m", make(str(each)), NOBODY).hash for each in range(8)]
    with ProcessPoolExecutor(8, get_context("spawn")) as pool:
        winners = list(pool.map(move_from_nothing, [(str(tmp_path / "r"), v) for v in versions]))
    (winner,) = filter(None, winners)
    assert [entry.version for entry in registry.history("m", "champion")] == [winner]


def test_what_is_stored_is_readable_by_a_person(tmp_path, make):
    registry = Registry.open(str(tmp_path / "r"))
    version = registry.register("m", make("a"), NOBODY).hash
    registry.alias("m", "champion", version, NOBODY)
    text = (tmp_path / "r/models/m/aliases/champion/000000001.json").read_text()
    assert json.loads(text)["version"] == version
