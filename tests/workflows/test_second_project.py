"""The library knows nothing of flights: a project of two steps, in a folder of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.fakes import Silence
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

FLAKY = '''
"""A step that works the second time, and one that never will."""

from pathlib import Path

from tiphys.step import Temporary, WrongInput


def shaky(*, marker: str) -> None:
    """Fail once."""
    if not Path(marker).exists():
        Path(marker).touch()
        raise Temporary("not yet")


def hopeless() -> None:
    """Fail always."""
    raise WrongInput("there is no month 2013-13")
'''

RETRIED = '''
"""Two ways to fail."""

from components.flaky import hopeless, shaky
from tiphys.author import Pipeline, Profile, template


def build(profile: Profile) -> list:
    """Return what manifests/<cluster>/retried.yaml holds."""
    flaky = Pipeline(
        name="retried", profile=profile, title="Retried", owner="us", parameters={"marker": "m"}
    )
    with flaky.dag() as run:
        template(shaky, tier="any").step(marker=run.marker)
        template(hopeless, tier="any").step()
    return [flaky.template()]
'''


@pytest.fixture
def project(tmp_path):
    """A project with its own components and workflows, and nothing else."""
    files = {
        "manifests/here/profile.yaml": PROFILE,
        "components/__init__.py": "",
        "components/flaky.py": FLAKY,
        "components/words.py": COMPONENT,
        "workflows/__init__.py": "",
        "workflows/retried.py": RETRIED,
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


def test_what_was_rendered_runs_and_values_arrive_as_they_were(project, monkeypatch):
    monkeypatch.chdir(project)
    tiphys(project, "render")
    request = runtime.RunRequest(
        files=(project / "manifests/here/words.yaml",), parameters={"sentence": "c d  é"}
    )

    outcome = runtime.run(request, Silence())

    assert outcome.phase == "Succeeded", outcome.message
    outputs = {
        node["displayName"]: {p["name"]: p["value"] for p in node["outputs"]["parameters"]}
        for node in outcome.workflow["status"]["nodes"].values()
        if node["type"] == "Pod"
    }
    assert outputs["draw(0)"]["words"] == '["c","d","é"]'
    assert outputs["count(0)"] == {"number": "3", "same": "true", "metrics": "{}"}


def test_a_temporary_failure_is_tried_again_and_bad_input_is_not(project, monkeypatch):
    monkeypatch.chdir(project)
    tiphys(project, "render")
    manifest = project / "manifests/here/retried.yaml"
    marker = str(project / "marker")

    outcome = runtime.run(
        runtime.RunRequest(files=(manifest,), parameters={"marker": marker}), Silence()
    )

    attempts = {
        node["displayName"]: (node["phase"], node.get("message"))
        for node in outcome.workflow["status"]["nodes"].values()
        if node["type"] == "Pod"
    }
    assert attempts == {
        "shaky(0)": ("Failed", "main: Error (exit code 75): not yet"),
        "shaky(1)": ("Succeeded", None),
        "hopeless(0)": ("Failed", "main: Error (exit code 2): there is no month 2013-13"),
    }
