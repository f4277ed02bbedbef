"""The library knows nothing of flights: a project of two steps, in a folder of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tiphys import runtime

PROFILE = """\
images: none
tiers: {any: {requests: {cpu: 100m, memory: 64Mi}}}
storage:
  artifacts: .tiphys/storage/artifacts
  registry: .tiphys/storage/registry
  checkpoints: .tiphys/storage/checkpoints
  dvc: .tiphys/storage/dvc
  code: .tiphys/storage/artifacts/code
"""

COMPONENT = '''
"""Words, counted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tiphys.step import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    words: list[str]


def draw(*, sentence: str, text: Annotated[Path, Output()]) -> Drawn:
    """Write a sentence down."""
    text.write_text(sentence)
    return Drawn(words=sentence.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    number: int
    same: bool


def count(*, text: Path, words: list[str]) -> Counted:
    """Count the words."""
    return Counted(number=len(words), same=text.read_text().split() == words)
'''

WORKFLOW = '''
"""Draw, then count."""

from components.words import count, draw
from tiphys.author import Pipeline, Profile, template

drawing, counting = template(draw, tier="any"), template(count, tier="any")


def build(profile: Profile) -> list:
    """Return what manifests/<cluster>/words.yaml holds."""
    words = Pipeline(
        name="words", profile=profile, title="Words", owner="us", parameters={"sentence": "a b"}
    )
    with words.dag() as run:
        drawn = drawing.step(sentence=run.sentence)
        counting.step(text=drawn.text, words=drawn.words)
    return [words.template()]
'''


@pytest.fixture
def project(tmp_path):
    """A project with its own components and workflows, and nothing else."""
    files = {
        "manifests/here/profile.yaml": PROFILE,
        "components/__init__.py": "",
        "components/words.py": COMPONENT,
        "workflows/__init__.py": "",
        "workflows/words.py": WORKFLOW,
        "pyproject.toml": "[project]\nname = 'words'\nversion = '0'\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def tiphys(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from tiphys.cli.main import main; main()", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_another_project_is_rendered(project):
    done = tiphys(project, "render")

    assert done.returncode == 0, done.stderr
    found = yaml.safe_load((project / "manifests/here/words.yaml").read_text())
    tasks = found["spec"]["templates"][0]["dag"]["tasks"]
    assert [(task["name"], task.get("depends")) for task in tasks] == [
        ("draw", None),
        ("count", "draw"),
    ]


class Silent:
    """An observer that nobody listens to."""

    def changed(self, workflow):
        """Take the newest state."""

    def warned(self, text):
        """Take a warning."""


def test_what_was_rendered_runs_and_values_arrive_as_they_were(project, monkeypatch):
    monkeypatch.chdir(project)
    tiphys(project, "render")
    request = runtime.RunRequest(
        files=(project / "manifests/here/words.yaml",), parameters={"sentence": "c d  é"}
    )

    outcome = runtime.run(request, Silent())

    assert outcome.phase == "Succeeded", outcome.message
    outputs = {
        node["displayName"]: {p["name"]: p["value"] for p in node["outputs"]["parameters"]}
        for node in outcome.workflow["status"]["nodes"].values()
        if node["type"] == "Pod"
    }
    assert outputs["draw(0)"]["words"] == '["c","d","é"]'
    assert outputs["count(0)"] == {"number": "3", "same": "true", "metrics": "{}"}
