from pathlib import Path

import pytest
from harness import places
from harness.errors import HarnessError
from harness.phases import Phases


def test_two_checkouts_have_two_clusters(monkeypatch):
    names = set()
    for folder in ("/srv/one", "/srv/two"):
        monkeypatch.setenv("TIPHYS_CLUSTER_DIR", folder)
        names.add(places.find().name)
    assert len(names) == 2


def test_a_path_too_long_for_sockets_is_refused(monkeypatch):
    monkeypatch.setenv("TIPHYS_CLUSTER_DIR", "/" + "x" * 80)
    with pytest.raises(HarnessError, match="set TIPHYS_CLUSTER_DIR to a shorter one"):
        places.find()


def test_the_caches_follow_the_desktop_rules(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/srv/cache")
    monkeypatch.delenv("TIPHYS_CLUSTER_DIR", raising=False)
    found = places.find()
    assert found.cache == Path("/srv/cache/tiphys-cluster")
    assert found.state == found.repository / ".cluster"


def test_the_last_line_names_what_took_time():
    phases = Phases(seconds={"packages": 0.1, "build": 611.8, "base image": 41.2})
    assert str(phases) == "build 612 s, base image 41 s, in all 653 s"
