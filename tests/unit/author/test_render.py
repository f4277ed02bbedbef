"""Rendering a project: which files, for which clusters, from which images."""

import hashlib
import shutil
import sys
from types import ModuleType

import pytest

from tiphys.author import images, render
from tiphys.errors import UnknownNameError

PROFILE = """\
namespace: ml
images: {images}
tiers: {{small: {{requests: {{cpu: 100m}}}}}}
storage: {{artifacts: a, registry: r, checkpoints: c, dvc: d}}
"""

WORKFLOW = '''
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tiphys.author import Pipeline, template
from tiphys.step import Output

@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    words: int

def count(*, source: Path, text: Annotated[Path, Output()]) -> Counted:
    """Count words."""
    raise NotImplementedError

def build(profile):
    pipeline = Pipeline(name="words", profile=profile, title="Words", owner="us")
    with pipeline.dag() as run:
        template(count, tier="small").step(source=run.source)
    return [pipeline.template()]
'''


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one pipeline, a laptop and a cluster."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    ours = {name: m for name, m in sys.modules.items() if name.split(".")[0] == "workflows"}
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    for cluster, repository in (("laptop", "none"), ("lab", "registry.example/words")):
        folder = tmp_path / "manifests" / cluster
        folder.mkdir(parents=True)
        (folder / "profile.yaml").write_text(PROFILE.format(images=repository))
    lock = tmp_path / "requirements/step.lock"
    lock.parent.mkdir()
    lock.write_text("numpy==2.0\n")
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    (tmp_path / "manifests/lab/images.yaml").write_text(
        f"step: {{image: registry.example/words/step@sha256:1, lock: {digest}}}\n"
    )
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows/__init__.py").touch()
    (tmp_path / "workflows/words.py").write_text(WORKFLOW)
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "workflows"]:
        del sys.modules[name]


def test_each_pipeline_is_rendered_for_each_cluster(project):
    found = [m.path.relative_to(project).as_posix() for m in render.render(project)]

    assert found == [
        "manifests/lab/words.yaml",
        "manifests/lab/install.yaml",
        "manifests/laptop/words.yaml",
    ]


def test_a_manifest_says_where_it_comes_from_and_has_the_image_of_its_cluster(project):
    lab, _, laptop = render.render(project)

    assert lab.text.startswith("# Rendered by `tiphys render`; edit workflows/words.py instead.\n")
    assert "image: registry.example/words/step@sha256:1" in lab.text
    assert "image: tiphys.local/step" in laptop.text


def test_only_the_clusters_asked_for_are_rendered(project):
    assert len(render.render(project, ["laptop"])) == 1


def test_an_unknown_cluster_names_those_there_are(project):
    with pytest.raises(UnknownNameError, match=r'no profile "labs".*Did you mean "lab"'):
        render.render(project, ["labs"])


def test_an_image_older_than_its_lock_is_refused(project):
    (project / "requirements/step.lock").write_text("numpy==2.1\n")

    with pytest.raises(render.StaleImageError, match='role "step" was built before'):
        render.render(project)


def test_only_what_changed_is_written(project):
    assert len(render.write(render.render(project))) == 3
    (project / "manifests/lab/words.yaml").write_text("edited by hand")

    written = render.write(render.render(project))

    assert written == [project / "manifests/lab/words.yaml"]


def test_a_file_without_build_is_no_pipeline(project):
    (project / "workflows/shared.py").write_text("WINDOW = 3\n")

    assert len(render.render(project)) == 3


def test_a_package_of_the_same_name_from_elsewhere_is_noticed(project, tmp_path_factory):
    other = tmp_path_factory.mktemp("site") / "words.py"
    shutil.copy(project / "workflows/words.py", other)
    stranger = ModuleType("workflows.words")
    stranger.__file__ = str(other)
    sys.modules["workflows.words"] = stranger

    with pytest.raises(render.ForeignModuleError, match=r"imported as workflows\.words"):
        render.render(project)


def test_what_is_installed_starts_no_run(project):
    at = project / "workflows/words.py"
    once = "    from hera.workflows import Workflow\n    return [Workflow(generate_name='once-'), "
    at.write_text(WORKFLOW.replace("    return [", once))

    lab, install, *_ = render.render(project, ["lab"])

    assert "generateName: once-" in lab.text
    assert "generateName: once-" not in install.text
    assert "kind: WorkflowTemplate" in install.text


def test_an_image_that_the_profile_does_not_let_in_is_refused(project):
    profile = project / "manifests/lab/profile.yaml"
    profile.write_text(profile.read_text() + "registries: [registry.example/others]\n")

    with pytest.raises(images.ImageError, match="not from a registry of this profile"):
        render.render(project)
