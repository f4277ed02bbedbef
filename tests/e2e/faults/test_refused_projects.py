"""`tiphys render` refuses what could not run, names the line, and leaves the manifests alone."""

import pytest

PROFILE = """\
images: none
tiers:
  small: {requests: {cpu: 100m, memory: 64Mi}}
  gpu-1: {requests: {cpu: 1, memory: 1Gi}, limits: {nvidia.com/gpu: 1}, capacity: 2}
storage: {artifacts: .a, registry: .r, checkpoints: .c, dvc: .d}
"""

COMPONENT = '''\
"""Words, counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    number: int


def count(*, text: str, workers: int = 1) -> Counted:
    """Count the words."""
    return Counted(number=len(text.split()))
'''

PIPELINE = '''\
"""Count."""

from components.words import count
from tiphys.author import Pipeline, template

counting = template(count, tier="gpu-1", gang="workers")


def build(profile):
    """Return what manifests/<cluster>/counting.yaml holds."""
    pipeline = Pipeline(name="counting", profile=profile, title="Count", owner="us")
    with pipeline.dag() as run:
        counting.step(text=run.name, workers=2)
    return [pipeline.template()]
'''

MISTAKES = {
    "an unknown tier": (
        (PIPELINE, 'tier="gpu-1"', 'tier="gpu-2"'),
        ("manifests/here/profile.yaml", 'there is no tier "gpu-2"', 'Did you mean "gpu-1"?'),
    ),
    "a gang larger than the capacity of its tier": (
        (PIPELINE, "workers=2", "workers=3"),
        ("count: a gang of 3 with one device each needs 3, but tier", "has 2 in the", "Ask for"),
    ),
    "a value that nothing gives": (
        (PIPELINE, "run.name", "run.nam"),
        ("workflows/counting.py:13: ", 'no parameter "nam"'),
    ),
    "a file that is no Python": (
        (PIPELINE, "def build(profile):", "def build(profile:"),
        ("workflows/counting.py:9: SyntaxError: ",),
    ),
    "a component that is not there": (
        (PIPELINE, "components.words", "components.wrds"),
        ("workflows/counting.py:3: ModuleNotFoundError: No module named 'components.wrds'",),
    ),
    "a component that cannot be imported": (
        (COMPONENT, "from dataclasses", "from dataclases"),
        ("components/words.py:3: ModuleNotFoundError: ",),
    ),
    "a pipeline that is not returned": (
        (PIPELINE, "return [pipeline.template()]", "pass"),
        ("workflows/counting.py: build() returned None.", "[pipeline.template()]"),
    ),
    "a typo in the profile": (
        (PROFILE, "storage:", "storge:"),
        ("manifests/here/profile.yaml:5:1: unknown key", 'Did you mean "storage"?'),
    ),
    "a profile that is empty": (
        (PROFILE, PROFILE, ""),
        ('manifests/here/profile.yaml: there is no "images"', '"storage.dvc"'),
    ),
}


@pytest.fixture
def project(terminal):
    """A project of one step, and what is in its files."""
    terminal.write("components/__init__.py", "")
    terminal.write("workflows/__init__.py", "")
    terminal.write("pyproject.toml", "[project]\nname = 'words'\nversion = '0'\n")
    return terminal


def fill(project, files):
    for name, text in files.items():
        project.write(name, text)


def sources(right="", wrong=""):
    """Return the files of the project; in one of them *right* is *wrong*."""
    files = {
        "manifests/here/profile.yaml": PROFILE,
        "components/words.py": COMPONENT,
        "workflows/counting.py": PIPELINE,
    }
    return {name: text.replace(right, wrong) if right else text for name, text in files.items()}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_nothing_is_written(project, mistake):
    (text, right, wrong), expected = MISTAKES[mistake]
    assert right in text
    fill(project, sources(right, wrong))
    before = project.write("manifests/here/counting.yaml", "as it was\n")

    said = project.tiphys("render")

    assert (said.code, said.out) == (2, "")
    assert [words for words in expected if words not in said.err] == [], said.err
    assert before.read_text() == "as it was\n"


def test_without_a_mistake_it_is_rendered_and_runs(project):
    fill(project, sources())
    assert project.tiphys("render").out == "written    manifests/here/counting.yaml\n"
    said = project.tiphys("run", "manifests/here/counting.yaml")
    assert (said.code, said.err) == (0, "")


def test_a_folder_that_is_no_project_says_what_to_write(terminal):
    said = terminal.tiphys("render")
    assert said.code == 2
    assert "there is no profile. Write one: manifests/local/profile.yaml." in said.err


def test_a_project_without_a_pipeline_says_what_to_write(project):
    project.write("manifests/here/profile.yaml", PROFILE)
    said = project.tiphys("render")
    assert said.code == 2
    assert "there is no pipeline. Write one: a file with a function build(profile)." in said.err
