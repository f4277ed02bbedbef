"""`.ci/release`: what a changed lock asks for before a run, in a repository of its own.

buildah and tiphys are small programs here that write down how they are called.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from tiphys import recipe

ROOT = Path(__file__).parents[2]
ROLES = ("step", "train")
RUN = "tiphys run training manifests/production/publishing.yaml --on production"
"""It brings the template of the other pipeline there, too."""
OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"

PROGRAMS = {
    "uv": 'echo "uv $*" >>"$LOG"',
    "buildah": f"""
        echo "buildah $*" >>"$LOG"
        for word; do case $word in --digestfile=*) echo {NEW} >"${{word#*=}}";; esac; done""",
    "python": f'exec {sys.executable} "$@"',
    "tiphys": """
        echo "tiphys $*" >>"$LOG"
        case $1 in run) touch "$RUN";; get) test -e "$RUN";; esac""",
}


class Project:
    """A project with two images, and the repository that it is pushed to."""

    def __init__(self, folder, programs):
        self.folder, self.log = folder, folder.parent / "log"
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "BIN": str(programs),
            "LOG": str(self.log),
            "RUN": str(folder.parent / "run"),
        }

    def run(self, *argv):
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def release(self):
        self.log.write_text("")
        self.run(".ci/release", "production", "training")
        return self.log.read_text().splitlines()

    @property
    def images(self):
        return yaml.safe_load((self.folder / "manifests/production/images.yaml").read_text())


@pytest.fixture
def project(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\nset -e\n{text}\n")
        (programs / name).chmod(0o755)
    folder = tmp_path / "flights"
    shutil.copytree(ROOT / ".ci", folder / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "requirements").mkdir()
    (folder / "src").mkdir()
    (folder / "src/library.py").write_text("x = 1\n")
    manifests = folder / "manifests/production"
    manifests.mkdir(parents=True)
    (manifests / "profile.yaml").write_text("images: registry.example/flights\n")
    for name in ("install", "publishing", "training"):
        (manifests / f"{name}.yaml").write_text("kind: WorkflowTemplate\n")
    (manifests / "retraining.yaml").write_text("kind: CronWorkflow\n")
    images = {}
    for role in ROLES:
        (folder / "requirements" / f"{role}.lock").write_text(f"{role}==1\n")
        name = f"registry.example/flights/{role}@{OLD}"
        images[role] = {"image": name, **asdict(recipe.of(folder, role))}
    (manifests / "images.yaml").write_text(yaml.safe_dump(images))
    made = Project(folder, programs)
    made.run("git", "init", "-q", "--bare", "-b", "main", "../remote")
    made.run("git", "init", "-q", "-b", "main")
    made.run("git", "remote", "add", "origin", "../remote")
    commit(made, "The project")
    return made


def commit(project, message):
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    project.run("git", "add", "-A")
    project.run("git", *who, "commit", "-qm", message)
    project.run("git", "push", "-q", "origin", "HEAD:main")


def test_a_changed_lock_builds_one_image_and_then_starts_the_run(project):
    (project.folder / "requirements/train.lock").write_text("train==2\n")
    commit(project, "A newer train")
    said = project.release()
    assert [line.split()[1] for line in said if line.startswith("buildah")] == ["bud", "push"]
    assert all("flights/train:" in line for line in said if line.startswith("buildah"))
    assert project.images["train"]["image"] == f"registry.example/flights/train@{NEW}"
    assert project.images["step"]["image"].endswith(OLD)
    head = project.run("git", "rev-parse", "HEAD")
    assert said[-1] == f"{RUN} -p revision={head} --name training-{head[:12]}"


def test_a_changed_library_builds_every_image(project):
    (project.folder / "src/library.py").write_text("x = 2\n")
    commit(project, "A newer library")
    said = project.release()
    built = [line.split()[1] for line in said if line.startswith("buildah")]
    assert built == ["bud", "push"] * len(ROLES)
    assert {each["image"][-len(NEW) :] for each in project.images.values()} == {NEW}


def test_the_digests_are_committed_so_that_the_commit_starts_nothing(project):
    (project.folder / "requirements/train.lock").write_text("train==2\n")
    commit(project, "A newer train")
    project.release()
    author, message = project.run(
        "git", "--git-dir=../remote", "log", "-1", "--format=%an%n%s", "main"
    ).splitlines()
    assert author == "tiphys[bot]"
    assert "[tiphys skip]" in message


def test_where_no_lock_has_changed_nothing_is_built_or_committed_and_the_run_starts(project):
    before = project.run("git", "rev-parse", "HEAD")
    said = project.release()
    assert said[0] == "tiphys render production"
    assert said[-1].startswith(f"{RUN} -p revision={before}")
    assert project.run("git", "rev-parse", "HEAD") == before


def test_a_release_that_is_repeated_builds_nothing_again_and_follows_the_run(project):
    (project.folder / "requirements/train.lock").write_text("train==2\n")
    commit(project, "A newer train")
    project.release()
    said = project.release()
    assert not [line for line in said if line.startswith("buildah")]
    head = project.run("git", "rev-parse", "HEAD")
    assert said[-1] == f"tiphys watch training-{head[:12]} --on production"


def test_a_branch_that_moved_while_the_images_were_built_gets_the_digests_all_the_same(project):
    (project.folder / "requirements/train.lock").write_text("train==2\n")
    commit(project, "A newer train")
    (project.folder / "README.md").write_text("Meanwhile.\n")
    commit(project, "Somebody else")
    project.run("git", "reset", "-q", "--hard", "HEAD~1")

    project.release()

    on_main = project.run("git", "--git-dir=../remote", "log", "-3", "--format=%s", "main")
    assert on_main.splitlines() == [
        "Name the images that were built [tiphys skip]",
        "Somebody else",
        "A newer train",
    ]


def test_the_first_images_of_a_profile_are_built_of_every_role(project):
    (project.folder / "manifests/production/images.yaml").unlink()
    commit(project, "A new cluster")

    project.release()

    assert project.images.keys() == set(ROLES)
    assert all(one["image"].endswith(NEW) for one in project.images.values())
