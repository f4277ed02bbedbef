"""Gangs on a real JobSet controller: pods on two GPU nodes, killed, stopped, short of memory."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from checkout import ROOT, Checkout, assert_succeeded, outputs_of
from harness.errors import HarnessError
from patience import until

from tiphys.review import parity

pytestmark = pytest.mark.cluster

FILE = ROOT / "manifests/ci/distributed.yaml"
GONE_SECONDS = 150

Json = dict[str, Any]


@pytest.fixture(scope="module")
def first(project, flights):
    """The whole line on the cluster, while the nodes' caches are empty."""
    for path in (flights.places.state / "data-cache").iterdir():
        shutil.rmtree(path)
    project.forget_models()
    return json.loads(project.tiphys("run", "distributed", "--on", "ci", "-o", "json"))


def log_of(project, run):
    return project.tiphys("logs", run["metadata"]["name"], "train", "--on", "ci")


def test_a_gang_trains_on_gpu_nodes_and_the_run_succeeds(project, first, tell):
    assert_succeeded(first)
    said = log_of(project, first)
    places = re.findall(r"(gang-\S+) runs on (\S+)\.", said)
    tell(*(f"{pod} on {node}" for pod, node in places))
    assert len(places) == 2
    assert {node for _, node in places} <= {"gpu-a", "gpu-b"}
    assert step(first, "train(0)")["hostNodeName"] == "node-cpu"


def test_metrics_and_progress_of_the_gang_are_the_steps_own(first):
    metrics = json.loads(outputs_of(first)["train(0)"]["metrics"])
    assert {"loss", "auc_validation", "downloaded_bytes"} <= metrics.keys()
    done, total = step(first, "train(0)")["progress"].split("/")
    assert int(total) > 1
    assert 0 < int(done) <= int(total)


def test_this_machine_and_the_cluster_agree(project, first):
    local = json.loads(project.tiphys("run", "manifests/ci/distributed.yaml", "-o", "json"))
    assert_succeeded(local)
    names = [run["metadata"]["name"] for run in (local, first)]
    assert "agree" in project.tiphys("parity", *names, "--on", "ci")


@pytest.fixture(scope="module")
def lab(project, first):
    """Where trainings alone are run, of the code of the first run."""
    given = {one["name"]: one["value"] for one in first["spec"]["arguments"]["parameters"]}
    made = Lab(project, given)
    yield made
    made.clean()


class Lab:
    """Runs of `resolve` and `train` alone, each with something changed."""

    def __init__(self, project: Checkout, given: dict[str, str]) -> None:
        self.project, self.cluster = project, project.cluster
        self.given = {name: given[name] for name in ("code", "revision")}
        self.names: list[str] = []
        self.local: dict[str, subprocess.Popen[str]] = {}

    def start(
        self, name: str, change: Callable[[Json], None] = lambda _train: None, **given: str
    ) -> str:
        """Start a training; *change* alters its template, *given* are arguments of the step."""
        template = next(yaml.safe_load_all(FILE.read_text()))
        spec = template["spec"]
        spec.pop("podGC", None)
        spec.pop("onExit", None)
        found = {one["name"]: one for one in spec["templates"]}
        tasks = {one["name"]: one for one in found["main"]["dag"]["tasks"]}
        tasks["train"]["depends"] = "resolve"
        arguments = tasks["train"]["arguments"]["parameters"]
        kept = [one for one in arguments if one["name"] not in given]
        extra = [{"name": key, "value": value} for key, value in given.items()]
        tasks["train"]["arguments"]["parameters"] = kept + extra
        found["main"]["dag"]["tasks"] = [tasks["resolve"], tasks["train"]]
        change(found["train"])
        spec["templates"] = [found["main"], found["resolve"], found["train"]]
        for one in spec["arguments"]["parameters"]:
            one["value"] = self.given.get(one["name"], one.get("value"))
        made = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"generateName": f"gang-{name}-"},
            "spec": spec,
        }
        printed = self.cluster.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(made))
        self.names.append(printed.strip().rpartition("/")[2])
        (self.project.root / self.file(self.names[-1])).write_text(yaml.safe_dump(made))
        return self.names[-1]

    def file(self, name: str) -> str:
        """Return where the manifest of the run *name* is, beside the profile."""
        return f"manifests/ci/{name}.yaml"

    def start_here(self, name: str) -> None:
        """Start the same file on this machine, where the gang is torchrun's, under the same name.

        It goes on beside the run on the cluster.
        """
        words = ("run", self.file(name), "--name", name, "-o", "json")
        self.local[name] = self.project.start(*words)

    def agrees_with_here(self, run: Json) -> None:
        """Compare *run*, node by node, with what the same file came to on this machine."""
        printed, said = self.local.pop(run["metadata"]["name"]).communicate(timeout=400)
        assert printed, said
        found = parity.differences(json.loads(printed), run)
        assert not found, "\n".join(found)

    def end(self, name: str, seconds: int = 400) -> Json:
        """Return the Workflow once it has ended."""
        return self.cluster.ended(name, seconds)

    def pods(self, name: str) -> list[Json]:
        """Return the pods of the gang of *name* that are not about to go."""
        found = self.cluster.get("pods", "-l", f"tiphys.dev/workflow={name}")["items"]
        gang = "jobset.sigs.k8s.io/jobset-name"
        return [
            one
            for one in found
            if gang in one["metadata"]["labels"] and "deletionTimestamp" not in one["metadata"]
        ]

    def log(self, name: str) -> str:
        """Return what the attempts of `train` have said."""
        labels = f"workflows.argoproj.io/workflow={name},tiphys.dev/step=train"
        found = self.cluster.get("pods", "-l", labels)["items"]
        return "".join(self._log(one["metadata"]["name"]) for one in found)

    def _log(self, pod: str) -> str:
        try:
            return self.cluster.kubectl("logs", pod, "-c", "main")
        except HarnessError:  # it has not begun
            return ""

    def nothing_is_left(self, name: str) -> bool:
        """Whether neither JobSet nor pod of the gang is there."""
        jobsets = self.cluster.get("jobsets", "-l", f"tiphys.dev/workflow={name}")["items"]
        gang = f"tiphys.dev/workflow={name},jobset.sigs.k8s.io/jobset-name"
        return not jobsets and not self.cluster.get("pods", "-l", gang)["items"]

    def clean(self) -> None:
        """Delete what was started."""
        for process in self.local.values():
            process.kill()
            process.communicate()
        for name in self.names:
            self.cluster.kubectl("delete", "workflow", name, "--ignore-not-found", "--wait=false")


def step(run: Json, display: str) -> Json:
    return next(n for n in run["status"]["nodes"].values() if n["displayName"] == display)


def test_the_second_run_reads_nothing_from_the_remote(first, lab, tell):
    second = lab.end(lab.start("cached", epochs="1"))
    assert_succeeded(second)
    counts = [
        json.loads(outputs_of(run)["train(0)"]["metrics"])["downloaded_bytes"]
        for run in (first, second)
    ]
    fetched = json.loads(outputs_of(first)["fetch(0)"]["metrics"])["downloaded_bytes"]
    tell(
        f"read from the remote: {fetched:.0f} bytes by fetch, {counts[0]:.0f} by the first gang,",
        f"{counts[1]:.0f} by the second",
    )
    assert fetched + counts[0] > 1_000_000
    assert counts[1] == 0


def test_a_killed_worker_pod_restarts_the_gang_which_resumes(lab, flights, tell):
    name = lab.start("killed", epochs="8")
    until("a checkpoint", lambda: progress(lab, name) > 120, 300)
    victim = next(pod for pod in lab.pods(name) if not is_first(pod))
    flights.kubectl("delete", "pod", victim["metadata"]["name"], "--grace-period=0", "--force")
    ended = lab.end(name, 600)
    said = lab.log(name)
    resumed = re.search(r"Resumed at step (\d+) of (\d+)", said)
    tell(*re.findall(r".*(?:started again|Resumed).*", said))
    assert_succeeded(ended)
    assert "The gang is started again (restart 1)." in said
    assert resumed
    assert int(resumed[1]) >= 50
    assert int(outputs_of(ended)["train(0)"]["resumed_from"]) == int(resumed[1])


def test_a_reclaimed_node_is_not_the_models_fault_and_the_gang_goes_on(lab, flights, tell):
    name = lab.start("reclaimed", epochs="8")
    until("a checkpoint", lambda: progress(lab, name) > 60, 300)
    taken = next(p["spec"]["nodeName"] for p in lab.pods(name) if is_first(p))
    with flights.tainted(taken, "spot-reclaim", "now", "NoExecute"):
        status = until("a restart", lambda: restarted(lab, name))
        ended = lab.end(name, 600)
    said = lab.log(name)
    tell(*re.findall(r".*(?:started again|Resumed|runs on).*", said))
    assert_succeeded(ended)
    assert status.get("restartsCountTowardsMax", 0) == 0
    assert int(outputs_of(ended)["train(0)"]["resumed_from"]) > 0


def restarted(lab: Lab, name: str) -> Json | None:
    """Return the status of the JobSet once it has started its pods again."""
    found = lab.cluster.get("jobsets", "-l", f"tiphys.dev/workflow={name}")["items"]
    status: Json = found[0].get("status", {}) if found else {}
    return status if status.get("restarts") else None


def is_first(pod: Json) -> bool:
    return "-node-0-0-" in pod["metadata"]["name"]


def progress(lab: Lab, name: str) -> int:
    """Return how many steps the gang has done, from its first pod's log."""
    for pod in lab.pods(name):
        if is_first(pod):
            try:
                said = lab.cluster.kubectl("logs", pod["metadata"]["name"], "--tail=20")
            except HarnessError:  # its container is being made
                return 0
            steps = re.findall(r"tiphys\.progress (\d+)/", said)
            return int(steps[-1]) if steps else 0
    return 0


def test_a_stopped_run_leaves_neither_jobset_nor_pod(project, lab):
    name = lab.start("stopped", epochs="400")
    lab.start_here(name)
    until("the gang", lambda: progress(lab, name) > 0, 300)
    until("the gang here", lambda: trains_here(project, name))
    for where in ([], ["--on", "ci"]):
        project.tiphys("stop", name, *where)
    ended = lab.end(name)
    assert ended["status"]["phase"] == "Failed"
    lab.agrees_with_here(ended)
    until("the gang to go", lambda: lab.nothing_is_left(name), GONE_SECONDS)


def trains_here(project: Checkout, name: str) -> bool:
    run = json.loads(project.tiphys("get", name, "-o", "json"))
    nodes = (run["status"].get("nodes") or {}).values()
    return any(one["displayName"] == "train(0)" and one["phase"] == "Running" for one in nodes)


def test_a_gang_that_takes_too_long_leaves_neither_jobset_nor_pod(lab):
    def hurry(train):
        train["activeDeadlineSeconds"] = 90  # the launcher has to make the gang meanwhile
        train["retryStrategy"] = {"limit": "0"}

    name = lab.start("late", hurry, epochs="4000")
    lab.start_here(name)
    until("the gang", lambda: lab.pods(name), 300)
    ended = lab.end(name)
    assert step(ended, "train(0)")["phase"] == "Failed"
    lab.agrees_with_here(ended)
    until("the gang to go", lambda: lab.nothing_is_left(name), GONE_SECONDS)


def test_a_gang_short_of_memory_gets_more_once_and_then_says_so(lab, tell):
    def starve(train):
        for one in train["container"]["env"]:
            if one["name"] == "TIPHYS_GANG":
                limit = r"\1 * 150}}Mi"
                one["value"] = re.sub(r"(\{\{=[^}]*) \* 4\}\}Gi", limit, one["value"])
                one["value"] = one["value"].replace('"memory":"512Mi"', '"memory":"100Mi"')

    ended = lab.end(lab.start("starved", starve))
    messages = [step(ended, f"train({n})")["message"] for n in (0, 1)]
    tell(*messages)
    assert "out of memory. It had 150Mi" in messages[0]
    assert "out of memory. It had 300Mi" in messages[1]
    assert not [n for n in ended["status"]["nodes"].values() if n["displayName"] == "train(2)"]


def test_wrong_input_is_never_tried_again_and_told_in_the_gangs_words(lab):
    name = lab.start("wrong", months='["2031-01"]')
    lab.start_here(name)
    ended = lab.end(name)
    lab.agrees_with_here(ended)
    assert 'no month "2031-01"' in step(ended, "train(0)")["message"]
    assert not [n for n in ended["status"]["nodes"].values() if n["displayName"] == "train(1)"]


def test_after_all_this_no_gang_is_left(lab):
    until("every gang to go", lambda: all(map(lab.nothing_is_left, lab.names)), GONE_SECONDS)
