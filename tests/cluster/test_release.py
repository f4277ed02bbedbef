"""`.ci/release` for real: a changed lock is one image, built, pushed and pulled before the run.

The developer and CI have a clone each. On the cluster CI may do what a token of `tiphys-submitter`
may, and nothing else.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, assert_succeeded, copy_project, git, move
from harness import ci, system_images
from harness.buildah import Store
from harness.images import Image
from harness.installation import guarded
from harness.membership import named
from harness.node import NODES
from harness.shell import run as call
from pushes import Repository

from tiphys import recipe
from tiphys.cluster import drift
from tiphys.report.rows import moment

pytestmark = pytest.mark.cluster

NAMESPACE = "tiphys-release"
PIPELINE = "publishing"
ROLE = "data"
"""Of the pipeline's one step."""
OTHER, NOVEL = "training", "Novel: "
"""A pipeline that is not run, and what its title begins with in the same push."""
ROLES = {path.stem for path in (ROOT / "requirements").glob("*.lock")} - {"dev"}
ADDED = re.compile(r"(?m)^iniconfig==.*\n(?:    --hash.*\n)+")
"""What the changed lock asks for besides, as the developers' lock does: small, and no other's."""
UNUSED = f"sha256:{'0' * 64}"
"""The digest of images that no step of the pipeline runs in."""
NAMED = "manifests/ci/images.yaml"
CREDENTIALS = ("AWS_", "KUBE")
"""How the variables begin that CI does not have."""


@dataclass(frozen=True)
class Machine:
    """CI's: a clone of the repository, and what its environment says."""

    root: Path
    environment: dict

    def release(self):
        """Take what is on main, as CI does; return the lines it says and when, in seconds."""
        git(self.root, "pull", "-q", "origin", "main")
        begin = time.monotonic()
        with subprocess.Popen(
            [".ci/release", "ci", PIPELINE],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            said = [(time.monotonic() - begin, line.rstrip()) for line in process.stdout]
        assert process.returncode == 0, "\n".join(line for _, line in said)
        return said


@dataclass(frozen=True)
class Team:
    """A developer, CI, the registry that it pushes to, and the namespace of the runs."""

    developer: Repository
    machine: Machine
    registry: object
    installed: object
    remote: Path
    """The repository that both push to."""

    def named(self, commit):
        """Return role to image, as *commit* of the repository has it."""
        found = yaml.safe_load(git(self.remote, "show", f"{commit}:{NAMED}"))
        return {role: each["image"] for role, each in found.items()}

    def run_of(self, commit):
        return self.installed.get("workflow", f"{PIPELINE}-{commit[:12]}")


@pytest.fixture(scope="module")
def team(cluster, tmp_path_factory):
    """Return a team whose project is released as it is now."""
    folder = tmp_path_factory.mktemp("release")
    with (
        cluster.git_daemon() as remote,
        cluster.registry() as registry,
        guarded(cluster, NAMESPACE) as installed,
        ci.machine(cluster.places, registry) as variables,
    ):
        developer = Repository(folder / "flights", installed, remote.url)
        prepare(developer, registry)
        developer.git("remote", "add", "origin", str(remote.path))
        developer.push({"README.md": str}, message="The project")
        installed.kubectl("apply", "-f", str(developer.root / "manifests/ci/install.yaml"))
        git(folder, "clone", "-q", remote.url, "ci")
        own = {k: v for k, v in os.environ.items() if not k.startswith(CREDENTIALS)}
        own |= variables | {
            "BIN": str(Path(sys.executable).parent),
            "BASE": system_images.build_base(Store(places=cluster.places)).local,
            "REMOTE": remote.url,
            "GITHUB_REF_NAME": "main",
            "ARGO_TOKEN": installed.token("tiphys-submitter"),
        }
        machine = Machine(folder / "ci", own)
        yield Team(developer, machine, registry, installed, remote.path)
        forget(cluster, registry)


def prepare(developer, registry):
    """Write the copy of the project, its one image that runs being in the registry."""
    root, repository = developer.root, f"{registry.address}/flights"
    copy_project(root)
    named = (r"images: .*", f"images: {repository}\nregistries: [{repository}]")
    move(root, developer.url, NAMESPACE, named)
    recipes = {role: recipe.of(root, role) for role in ROLES}
    image = Image(alias=ROLE, key="latest", name=f"{repository}/{ROLE}:{recipes[ROLE].tag}")
    digests = dict.fromkeys(ROLES, UNUSED)
    digests[ROLE] = Store(places=developer.cluster.places).upload(image, image.name)
    names = {
        role: {"image": f"{repository}/{role}@{digests[role]}", **asdict(recipes[role])}
        for role in ROLES
    }
    (root / NAMED).write_text(yaml.safe_dump(names))
    developer.tiphys("render", "ci")
    developer.git("init", "-q", "-b", "main")


def forget(cluster, registry):
    """Remove what the nodes have pulled; one of them another test may have lost."""
    for containerd in (node.containerd(cluster.places) for node in NODES):
        for name in containerd.list("image") if containerd.answers() else ():
            if name.startswith(registry.address):
                call([*containerd.ctr, "image", "rm", name])


@dataclass(frozen=True)
class Story:
    """What was before and after a lock changed, and what CI said meanwhile."""

    before: dict
    """Name and tag of every image in the registry to its digest."""
    after: dict
    old: str
    """The developer's commit."""
    new: str
    """What is on main then."""
    said: list
    whole_seconds: float
    """From the developer's `git commit` to the end of the run."""

    def at(self, start):
        """Return the second in which CI first said a line that begins so."""
        return next(seconds for seconds, line in self.said if line.startswith(start))

    @property
    def built(self):
        """Name and digest of the images that are in the registry since."""
        return self.after.items() - self.before.items()


@pytest.fixture(scope="module")
def story(team):
    (entry,) = ADDED.findall((ROOT / "requirements/dev.lock").read_text())
    before, begin = team.registry.images(), time.monotonic()
    changes = {
        f"requirements/{ROLE}.lock": lambda text: text + entry,
        f"workflows/{OTHER}.py": lambda text: text.replace('title="', f'title="{NOVEL}', 1),
    }
    event = team.developer.push(changes)
    said = team.machine.release()
    took = time.monotonic() - begin
    new = git(team.remote, "rev-parse", "main")
    return Story(before, team.registry.images(), event["after"], new, said, took)


@pytest.fixture(scope="module")
def image(story, team):
    """Return the name of the image that was built, as main has it."""
    return team.named(story.new)[ROLE]


@pytest.fixture(scope="module")
def run(story, team):
    return team.run_of(story.new)


@pytest.fixture(scope="module")
def pulled(team, image):
    """Return what the node's kubelet said when it had pulled that image."""
    events = team.installed.get("events", "--field-selector=reason=Pulled")["items"]
    said = f'Successfully pulled image "{image}" in '
    (message,) = (each["message"] for each in events if each["message"].startswith(said))
    return message.removeprefix(said)


def test_one_image_is_built_and_pushed(story):
    lines = [line for _, line in story.said]
    assert [line for line in lines if line.startswith("built:")] == [f"built: {ROLE}"]
    verbs = [line.split()[2] for line in lines if line.startswith("+ buildah")]
    assert verbs == ["bud", "push"]
    ((name, _),) = story.built
    assert name.startswith(f"flights/{ROLE}:")
    assert story.before.items() <= story.after.items()


def test_its_digest_is_committed_and_no_other_is_touched(story, team, image):
    ((_, digest),) = story.built
    assert image == f"{team.registry.address}/flights/{ROLE}@{digest}"
    assert team.named(story.new) == team.named(story.old) | {ROLE: image}


def test_the_commit_starts_nothing_by_itself(story, team):
    told = git(team.remote, "log", "-1", "--format=%an%n%P%n%s", "main")
    author, parent, message = told.splitlines()
    assert (author, parent) == ("tiphys[bot]", story.old)
    assert "[tiphys skip]" in message


def test_the_run_is_of_that_commit_and_succeeds_in_the_new_image(story, run, image):
    assert_succeeded(run)
    given = {each["name"]: each["value"] for each in run["spec"]["arguments"]["parameters"]}
    assert given["revision"] == story.new
    stored = run["status"]["storedWorkflowTemplateSpec"]["templates"]
    assert [each["container"]["image"] for each in stored if "container" in each] == [image]


def test_a_pipeline_that_is_not_run_is_brought_there_as_that_commit_has_it(story, team):
    file = git(team.remote, "show", f"{story.new}:manifests/ci/{OTHER}.yaml")
    (wanted,) = yaml.safe_load_all(file)
    found = team.installed.get("workflowtemplate", OTHER)
    assert drift.is_there(found, wanted)
    title = found["metadata"]["annotations"]["workflows.argoproj.io/title"]
    assert title.startswith(NOVEL)


def test_the_run_begins_when_the_image_and_the_commit_are_pushed(story, run, team):
    steps = ("+ buildah bud", "+ buildah push", "built:", run["metadata"]["name"])
    seconds = [story.at(step) for step in steps]
    assert seconds == sorted(seconds)
    committed = int(git(team.remote, "log", "-1", "--format=%ct", "main"))
    assert moment(run["metadata"]["creationTimestamp"]).timestamp() >= committed


@pytest.mark.usefixtures("pulled")
def test_the_node_of_the_step_has_pulled_the_new_image(cluster, run, image):
    (pod,) = (node for node in run["status"]["nodes"].values() if node["type"] == "Pod")
    containerd = named(pod["hostNodeName"]).containerd(cluster.places)
    assert image in containerd.list("image")


def test_how_long_it_takes_from_a_changed_lock_to_the_end_of_its_run_is_told(story, pulled, tell):
    begun, pushing, built = map(story.at, ("+ uv build", "+ buildah push", "built:"))
    tell(
        f"git commit to the end of the run: {story.whole_seconds:.0f} s, of which",
        f"  the image was built in {pushing - begun:.0f} s, pushed in {built - pushing:.0f} s",
        f"  and pulled in {pulled.partition(' ')[0]}",
    )


def test_changed_manifests_are_a_run_in_the_same_image_and_build_nothing(story, team, image):
    team.developer.git("pull", "-q", "origin", "main")
    event = team.developer.push({"manifests/ci/profile.yaml": lambda text: text + "# The same.\n"})
    said = [line for _, line in team.machine.release()]
    assert "built: nothing: neither a lock nor the library has changed" in said
    assert team.registry.images() == story.after
    head = git(team.remote, "rev-parse", "main")
    assert (head, team.named(head)[ROLE]) == (event["after"], image)
    assert team.run_of(head)["status"]["phase"] == "Succeeded"


def test_a_release_that_is_repeated_follows_the_run_that_is_there(team):
    head = git(team.remote, "rev-parse", "main")
    said = [line for _, line in team.machine.release()]
    assert any(f"{PIPELINE}-{head[:12]}" in line and "Succeeded" in line for line in said), said
