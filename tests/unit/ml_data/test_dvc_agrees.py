"""DVC itself writes; our reader must read what it wrote."""

import os
import subprocess
import sys

import pytest

from tiphys.ml.data import locked
from tiphys.ml.data.materialise import materialise
from tiphys.ml.data.revision import Commit, Folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("dvc") / "project"
    root.mkdir()
    (root / "table/part").mkdir(parents=True)
    (root / "table/one.csv").write_text("a,b\n1,2\n")
    (root / "table/part/é two.csv").write_text("")
    (root / "single.csv").write_text("a\n1\n")
    (root / "params.yaml").write_text("make: {rows: 3}\n")
    (root / "dvc.yaml").write_text(
        "stages: {make: {cmd: mkdir made && echo 3 > made/rows, wdir: work, "
        "params: [../params.yaml: [make]], outs: [made]}}"
    )
    (root / "work").mkdir()
    run(root, "git", "init", "-q")
    dvc = [sys.executable, "-m", "dvc"]
    run(root, *dvc, "init", "-q")
    run(root, *dvc, "remote", "add", "-q", "-d", "store", str(root.parent / "remote"))
    run(root, *dvc, "add", "-q", "table", "single.csv")
    run(root, *dvc, "repro", "-q")
    run(root, *dvc, "push", "-q")
    run(root, "git", "add", ".")
    run(root, "git", "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qm", "x")
    return root


def run(root, *command):
    quiet = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root.parent / "site")}
    subprocess.run(command, cwd=root, check=True, env=os.environ | quiet, capture_output=True)


@pytest.mark.parametrize("path", ["table", "single.csv", "work/made"])
@pytest.mark.parametrize("place", ["remote", "project/.dvc/cache"])
def test_what_dvc_pushed_is_read_as_it_was(project, tmp_path, path, place):
    pin = locked.resolve(Commit.find(project, "HEAD"), path).pin
    materialise(pin, tmp_path / "target", remote=str(project.parent / place))
    whole = project / path
    files = [one for one in whole.rglob("*") if one.is_file()] if whole.is_dir() else [whole]
    for file in files:
        name = file.relative_to(whole) if whole.is_dir() else file.name
        assert (tmp_path / "target" / name).read_bytes() == file.read_bytes()
    assert pin.nfiles == len(files)


def test_the_parameters_that_dvc_recorded_are_read(project):
    assert locked.resolve(Folder(root=project), "work/made").parameters == {"make.rows": 3}
