import multiprocessing
from pathlib import Path

import pytest

from tiphys.runtime import project, settings
from tiphys.runtime.faults import SettingsFileError
from tiphys.runtime.folder import RunFolder

PROFILE = """
namespace: ml
images: {images}
tiers: {{cpu-small: {{requests: {{cpu: "1"}}}}}}
source: {{git: "https://git.example.com/flights.git"}}
storage:
  {{artifacts: {base}/a, registry: {base}/registry, checkpoints: {base}/c, dvc: {base}/d}}
"""


@pytest.fixture
def manifest(tmp_path):
    for name, base in (("production", "s3://ml"), ("local", ".tiphys/here")):
        folder = tmp_path / "manifests" / name
        folder.mkdir(parents=True)
        images = "none" if name == "local" else "registry.example/flights"
        (folder / "profile.yaml").write_text(PROFILE.format(base=base, images=images))
    (tmp_path / "manifests/production/images.yaml").write_text(
        'step: {image: "registry.example/flights/step@sha256:0a", lock: "0b"}\n'
    )
    return tmp_path / "manifests" / "production" / "training.yaml"


def test_remote_storage_becomes_what_the_local_profile_has(tmp_path, manifest):
    found = settings.settle(tmp_path, tmp_path, manifest, allow_host=False)
    assert found.storage["s3://ml/registry"] == str(tmp_path / ".tiphys/here/registry")
    assert found.repositories == ("registry.example/flights/step",)
    assert found.source == "https://git.example.com/flights.git"


def test_without_a_local_profile_storage_lies_below_the_home(tmp_path, manifest):
    (tmp_path / "manifests/local/profile.yaml").unlink()
    found = settings.settle(tmp_path, tmp_path, manifest, allow_host=False)
    assert found.storage["s3://ml/d"] == str(tmp_path / ".tiphys/storage/dvc")


def test_a_manifest_without_a_profile_needs_none(tmp_path):
    found = settings.settle(tmp_path, None, tmp_path / "hello.yaml", allow_host=True)
    assert (found.storage, found.images.allow_host) == ({}, True)


def test_settings_are_kept_with_the_run(tmp_path, manifest):
    (tmp_path / "tiphys.toml").write_text('[images."a:1"]\nentrypoint = ["b"]\n')
    found = settings.settle(tmp_path, tmp_path, manifest, allow_host=False)
    found.save(RunFolder(tmp_path))
    assert settings.load(RunFolder(tmp_path)) == found


@pytest.mark.parametrize("text", ["[images", '[images."a:1"]\nentrypoint = "b"\n'])
def test_a_wrong_tiphys_toml_is_named(tmp_path, text):
    (tmp_path / "tiphys.toml").write_text(text)
    with pytest.raises(SettingsFileError, match=r"tiphys\.toml"):
        settings.settle(tmp_path, tmp_path, tmp_path / "x.yaml", allow_host=False)


def test_a_run_without_settings_cannot_be_continued(tmp_path):
    with pytest.raises(SettingsFileError, match=r"run\.json"):
        settings.load(RunFolder(tmp_path))


def test_the_project_is_found_upwards(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "dvc.yaml").touch()
    assert project.find_root(inner) == tmp_path


def test_the_code_is_what_git_tracks_or_does_not_ignore(tmp_path):
    components = tmp_path / "components"
    components.mkdir()
    (components / "a.py").write_text("a")
    (tmp_path / "notes.md").write_text("not code")
    plain = project.pack_project(tmp_path)
    assert project.pack_project(tmp_path).sha256 == plain.sha256
    assert plain.revision == plain.sha256[:12]
    (tmp_path / "notes.md").write_text("changed")
    assert project.pack_project(tmp_path).sha256 == plain.sha256
    (components / "a.py").write_text("b")
    assert project.pack_project(tmp_path).sha256 != plain.sha256


def test_runs_that_start_at_the_same_time_store_the_same_code(tmp_path, monkeypatch):
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "a.py").write_text("a")
    code = project.pack_project(tmp_path)
    fork, rename = multiprocessing.get_context("fork"), Path.rename

    def rename_after_another(path, target):
        monkeypatch.setattr(Path, "rename", rename)
        other = fork.Process(target=project.store_code, args=(code, tmp_path))
        other.start()
        other.join()
        assert other.exitcode == 0
        return path.rename(target)

    monkeypatch.setattr(Path, "rename", rename_after_another)

    assert project.store_code(code, tmp_path).read_bytes() == code.archive
