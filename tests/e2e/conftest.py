import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tiphys import runtime

DRIVER = """
import sys
from pathlib import Path
from tests.fakes import Silence
from tiphys import runtime

root, file = map(Path, sys.argv[1:])
outcome = runtime.run(runtime.RunRequest(files=(file,), root=root, name="run"), Silence())
sys.exit(130 if outcome.interrupted else 0)
"""


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
        self.drivers: list[subprocess.Popen] = []

    def write(self, text: str, name: str = "workflow.yaml") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def run(self, text: str, **fields) -> runtime.Outcome:
        request = runtime.RunRequest(files=(self.write(text),), root=self.root, **fields)
        return runtime.run(request, self.witness)

    def drive(self, text: str) -> subprocess.Popen:
        """Start the run `run` in a process of its own, which may be killed."""
        command = [sys.executable, "-c", DRIVER, str(self.root), str(self.write(text))]
        self.drivers.append(subprocess.Popen(command, start_new_session=True))
        return self.drivers[-1]

    @property
    def journal(self) -> Path:
        """Where the journal of the run `run` is."""
        return self.root / ".tiphys" / "runs" / "run" / "journal.jsonl"

    def logs(self, outcome: runtime.Outcome) -> list[str]:
        return [line.text for line in runtime.logs(self.root, outcome.name)]


def nodes(outcome: runtime.Outcome) -> dict[str, dict]:
    """Return the nodes of a run by their display name."""
    found = outcome.workflow["status"]["nodes"].values()
    return {node["displayName"]: node for node in found}


@pytest.fixture
def laptop(tmp_path):
    made = Laptop(tmp_path)
    yield made
    for driver in made.drivers:
        driver.kill()
        driver.wait()


@pytest.fixture
def by_name():
    return nodes


@pytest.fixture
def until():
    """Return a function that waits for a condition and returns what it came to be."""

    def wait(condition, seconds=120):
        limit = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < limit, "it did not happen in time"
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture
def small_disk(tmp_path):
    """Make the folder of the test a file system of four mebibytes, or skip the test."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)]
    if not mount or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("full disk: needs the right to mount a tmpfs")
    yield
    subprocess.run([umount, "-l", str(tmp_path)], check=True)
