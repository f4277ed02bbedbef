import json
from datetime import timedelta

import pytest
from obstore.store import MemoryStore

from tests import tiny_model
from tiphys.ml.registry import Provenance, Registry
from tiphys.ml.serving.follow import Follower
from tiphys.ml.serving.model import Model, ModelError

NOBODY = Provenance()


@pytest.fixture
def follower(tmp_path):
    registry = Registry(MemoryStore())
    return Follower(registry, "m", tmp_path / "cache", timedelta(milliseconds=5))


@pytest.fixture
def champion(follower, tmp_path):
    """Make a model of this weight champion and return its version; `spoil` changes its files."""

    def champion(weight, spoil=lambda _: None):
        directory = tiny_model.save(tmp_path / f"model-{weight}", weight)
        spoil(directory)
        version = follower.registry.register("m", directory, NOBODY).hash
        follower.registry.alias("m", "champion", version, NOBODY)
        return version

    return champion


def forge_golden(directory):
    path = directory / "model.json"
    document = json.loads(path.read_text())
    document["golden"]["response"]["outputs"][0]["data"][1] = 0.99
    path.write_text(json.dumps(document))


def truncate_graph(directory):
    path = directory / "model.onnx"
    path.write_bytes(path.read_bytes()[:50])


def lose_graph(directory):
    (directory / "model.onnx").unlink()


def forget_an_input(directory):
    path = directory / "model.json"
    document = json.loads(path.read_text())
    del document["inputs"][1]
    path.write_text(json.dumps(document))


def test_without_a_champion_nothing_serves(follower):
    follower.look()
    assert follower.service.model is None


def test_the_champion_serves(follower, champion):
    version = champion(1.0)
    follower.look()
    assert follower.service.model.version == version


def test_a_new_champion_takes_its_place(follower, champion):
    champion(1.0)
    follower.look()
    version = champion(2.0)
    follower.look()
    assert follower.service.model.version == version


def test_looking_again_keeps_the_very_model(follower, champion):
    champion(1.0)
    follower.look()
    model = follower.service.model
    follower.look()
    assert follower.service.model is model


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (forge_golden, "answers the golden request with"),
        (truncate_graph, "cannot be loaded"),
        (lose_graph, "no model.onnx"),
        (forget_an_input, "cannot answer its golden request"),
    ],
)
def test_a_broken_model_is_never_swapped_in(follower, champion, spoil, reason):
    good = champion(1.0)
    follower.look()
    bad = champion(2.0, spoil)
    follower.look()
    assert follower.service.model.version == good
    assert follower.service.rejected.entry.version == bad
    assert reason in follower.service.rejected.reason


def test_a_model_spoilt_in_the_registry_is_never_swapped_in(follower, champion):
    good = champion(1.0)
    follower.look()
    bad = champion(2.0)
    follower.registry.store.put(f"models/m/versions/{bad}/model.onnx", b"bad")
    follower.look()
    assert follower.service.model.version == good
    assert "do not have the hash" in follower.service.rejected.reason


def test_a_rejection_is_forgotten_when_the_alias_moves_back(follower, champion):
    good = champion(1.0)
    follower.look()
    champion(2.0, truncate_graph)
    follower.look()
    follower.registry.rollback("m", "champion", NOBODY)
    follower.look()
    assert (follower.service.model.version, follower.service.rejected) == (good, None)


def test_the_thread_outlives_a_registry_that_fails(follower, champion):
    class Broken:
        def get(self, *_):
            follower.failures = getattr(follower, "failures", 0) + 1
            raise OSError

    registry, follower.registry = follower.registry, Broken()
    follower.start()
    while getattr(follower, "failures", 0) < 2:
        pass
    follower.registry = registry
    champion(1.0)
    while follower.service.model is None:
        pass
    follower.stopped.set()
    follower.join(5)
    assert not follower.is_alive()


def test_a_directory_that_is_no_model_is_refused(tmp_path):
    directory = tiny_model.save(tmp_path / "m")
    truncate_graph(directory)
    with pytest.raises(ModelError):
        Model.load(directory)


def test_a_first_model_that_is_taken_back_serves_no_more(follower, champion):
    champion(1.0)
    follower.look()
    assert follower.service.model
    follower.registry.rollback("m", "champion", NOBODY)
    follower.look()
    assert follower.service.model is None
