"""The data of the reference project go wrong: the run stops where it should, and says of what."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROJECT = ("components", "quality", "gate", "manifests/local", "dvc.yaml", "params.yaml")
MONTH = "2013-01.parquet"


@dataclass(frozen=True, slots=True)
class Cache:
    """The project's DVC cache, which on a laptop is where data are fetched from."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name[:2] / name[2:]

    def keep(self, data: bytes, suffix: str = "") -> str:
        name = hashlib.md5(data, usedforsecurity=False).hexdigest() + suffix
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return name


@pytest.fixture(scope="module")
def month():
    path = ROOT / "data/flights" / MONTH
    if not path.exists():
        pytest.skip("the data are not here: make data")
    return pq.read_table(path).slice(0, 200)


@pytest.fixture
def project(terminal, month):
    """Make a copy of the reference project with one short month of data, changed by *spoil*."""
    for name in PROJECT:
        target = terminal.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, target)

    def make(table: pa.Table = month) -> tuple[Cache, str]:
        cache = Cache(terminal.folder / ".dvc/cache/files/md5")
        file = terminal.folder / MONTH
        pq.write_table(table, file)
        name = cache.keep(file.read_bytes())
        listing = cache.keep(json.dumps([{"md5": name, "relpath": MONTH}]).encode(), ".dir")
        lock = yaml.safe_load((ROOT / "dvc.lock").read_text())
        size = file.stat().st_size
        lock["stages"]["ingest"]["outs"] = [
            {"path": "data/flights", "hash": "md5", "md5": listing, "size": size, "nfiles": 1}
        ]
        terminal.write("dvc.lock", yaml.safe_dump(lock, sort_keys=False))
        return cache, name

    return make


def phases(terminal) -> dict[str, str]:
    """Return the phase of each task that got a node."""
    said = terminal.tiphys("get", terminal.name_of_the_run(), "-o", "json")
    nodes = json.loads(said.out)["status"]["nodes"].values()
    return {node["displayName"]: node["phase"] for node in nodes if "(" not in node["displayName"]}


def test_a_missing_object_fails_the_run_and_says_how_to_get_it(terminal, project):
    cache, name = project()
    cache.path(name).unlink()

    said = terminal.tiphys("run", "manifests/local/training.yaml")

    assert said.code == 1
    assert f"data/flights/{MONTH}: its object files/md5/{name[:2]}/{name[2:]} is not in" in said.out
    assert "Run `dvc push` where the data are, or `dvc repro` to make them." in said.out
    assert phases(terminal)["fetch"] == "Failed"
    assert phases(terminal).get("validate") in {None, "Omitted"}


def test_a_corrupted_object_fails_the_run_and_is_named(terminal, project):
    cache, name = project()
    cache.path(name).write_bytes(b"something else")

    said = terminal.tiphys("run", "manifests/local/training.yaml")

    assert said.code == 1
    assert f"data/flights/{MONTH}: its object files/md5/{name[:2]}/{name[2:]} in " in said.out
    assert "is corrupted: 14 bytes with MD5 " in said.out
    assert "Remove it there, then `dvc push` it again." in said.out
    assert phases(terminal).get("validate") in {None, "Omitted"}


def test_a_broken_column_stops_the_run_before_training(terminal, project, month):
    values = month["origin"].to_pylist()
    values[3] = values[100] = "XXX"
    index = month.column_names.index("origin")
    project(month.set_column(index, "origin", pa.array(values)))

    said = terminal.tiphys("run", "manifests/local/training.yaml")

    assert said.code == 1
    assert 'column "origin"' in said.out
    assert f"'XXX' in {MONTH} row 3, 'XXX' in {MONTH} row 100" in said.out
    found = phases(terminal)
    assert found["validate"] == "Failed"
    assert found.get("train") in {None, "Omitted"}
    assert any(name.startswith("record") for name in found)  # a failed run is written down too
