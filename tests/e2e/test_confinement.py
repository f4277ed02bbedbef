"""What a manifest cannot do to this machine, whatever it says."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from tests.fakes import Silence
from tiphys import runtime
from tiphys.runtime.preflight import RefusedCommandsError

ROOT = Path(__file__).parents[2]
MANIFEST = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "w"},
    "spec": {"entrypoint": "main"},
}
INPUT = {"name": "x", "path": "/../../../../../../victim", "raw": {"data": "x"}}
OUTPUT = {"name": "x", "path": "/tmp/x", "s3": {"key": "../../victim"}}  # noqa: S108


def run(folder, template, image="busybox"):
    container = {"image": image, "command": ["sh", "-c", "echo x > /tmp/x"]}
    templates = [{"name": "main", "container": container, **template}]
    manifest = {**MANIFEST, "spec": {**MANIFEST["spec"], "templates": templates}}
    (folder / "w.yaml").write_text(json.dumps(manifest))
    return runtime.run(runtime.RunRequest(files=(folder / "w.yaml",), root=folder), Silence())


@pytest.mark.parametrize(
    "template",
    [{"inputs": {"artifacts": [INPUT]}}, {"outputs": {"artifacts": [OUTPUT]}}],
    ids=["input path", "output key"],
)
def test_an_artifact_cannot_be_placed_outside_of_the_run(tmp_path, template):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        (folder / "victim").mkdir(exist_ok=True)
    outcome = run(tmp_path, template)
    assert outcome.phase == "Error"
    assert "without `..`" in json.dumps(outcome.workflow)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        (folder / "victim").rmdir()


def test_a_profile_of_another_folder_vouches_for_nothing(tmp_path):
    for name in ("profile.yaml", "images.yaml"):
        shutil.copy(ROOT / "manifests" / "production" / name, tmp_path / name)
    with pytest.raises(RefusedCommandsError, match="--allow-host"):
        run(tmp_path, {}, image="registry.example/flights/step")


def test_other_users_cannot_read_the_parameters_of_runs(tmp_path):
    run(tmp_path, {})
    assert stat.S_IMODE((tmp_path / ".tiphys").stat().st_mode) == 0o700
