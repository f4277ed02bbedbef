import shutil
import subprocess
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest

from tiphys import runtime


class Witness:
    """An observer that remembers what it was told."""

    def __init__(self):
        self.pictures = []
        self.warnings = []

    def changed(self, workflow):
        self.pictures.append(workflow)

    def warned(self, text):
        self.warnings.append(text)


class Laptop:
    """A folder without a project, in which manifests are run."""

    def __init__(self, root: Path):
        self.root = root
        self.witness = Witness()

    def write(self, text: str, name: str = "workflow.yaml") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def run(self, text: str, **fields) -> runtime.Outcome:
        request = runtime.RunRequest(files=(self.write(text),), root=self.root, **fields)
        return runtime.run(request, self.witness)

    def logs(self, outcome: runtime.Outcome) -> list[str]:
        return [line.text for line in runtime.logs(self.root, outcome.name)]


def nodes(outcome: runtime.Outcome) -> dict[str, dict]:
    """Return the nodes of a run by their display name."""
    found = outcome.workflow["status"]["nodes"].values()
    return {node["displayName"]: node for node in found}


@pytest.fixture
def laptop(tmp_path):
    return Laptop(tmp_path)


@pytest.fixture
def by_name():
    return nodes


@contextmanager
def _four_mebibytes(folder: Path):
    mount, umount = shutil.which("mount"), shutil.which("umount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if not mount or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("full disk: needs the right to mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run([umount, "-l", str(folder)], check=True)


@pytest.fixture
def four_mebibytes():
    """Return a context manager that makes a folder a small file system, or skips the test."""
    return _four_mebibytes
