"""Steps fail for real, here and on Argo: what is tried again, where, and what is said of it."""

import json
import os
import secrets
import signal
import subprocess
import sys
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from checkout import ROOT
from harness.errors import HarnessError
from patience import until

from tests import failing
from tiphys.author import retries
from tiphys.report.rows import moment, rows
from tiphys.review import parity

pytestmark = pytest.mark.cluster

LIMIT_SECONDS = 420
"""A lost node alone takes Kubernetes and Argo two to four minutes to be sure of."""

SPOT, STAYS = "gpu-a", "gpu-b"
TAINT = "tiphys.dev/taken"

AGAIN = "again after 2 seconds"
TWICE = "tried again once, not any more"
TOO_LITTLE = "more memory than its tier has was not enough: take a larger tier"
TOO_LONG = retries.HANGING.advice
NOT_THERE = (
    "its code or an input could not be fetched: look at the revision, the key and the access"
)
EXPECTED = {
    "bad-input": ("Failed", ["bad input: never tried again; no second look will mend it"]),
    "temporary": (
        "Failed",
        [
            f"temporary (1 of 3): {AGAIN}",
            "temporary (2 of 3): again after 4 seconds",
            "temporary (3 of 3): again after 8 seconds",
            "temporary: tried again 3 times, not any more; what it needs is still not ready",
        ],
    ),
    "out-of-memory": (
        "Succeeded",
        [f"out of memory (1 of 1): {AGAIN}, with 400Mi of memory", ""],
    ),
    "out-of-memory-twice": (
        "Failed",
        [
            f"out of memory (1 of 1): {AGAIN}, with 400Mi of memory",
            f"out of memory: {TWICE}; {TOO_LITTLE}",
        ],
    ),
    "bad-device": ("Succeeded", [f"bad device (1 of 2): {AGAIN}, on another node", ""]),
    "hanging": (
        "Failed",
        [
            f"hanging (1 of 1): {AGAIN}",
            f"hanging: {TWICE}; {TOO_LONG}",
        ],
    ),
    "preempted": ("Succeeded", [f"preempted (1 of 1): {AGAIN}, on demand", ""]),
    "lost-node": ("Succeeded", [f"lost node (1 of 5): {AGAIN}", ""]),
    "not-started": (
        "Error",
        [
            f"could not start (1 of 2): {AGAIN}",
            "could not start (2 of 2): again after 4 seconds",
            f"could not start: tried again 2 times, not any more; {NOT_THERE}",
        ],
    ),
}
CASES = list(EXPECTED)
GIVEN = {"not-started": ("-p", "code=nowhere")}
REFUSED = "refused"
"""The case of a step whose account is not installed; here there are no accounts."""
FULL_DISK = "full-disk"
"""The case of a step that writes more than its tier allows; here nobody counts that."""
REBOOTED = "rebooted"
"""The case of a node that comes back and says itself how its pods ended; here nobody would."""
SHORT_OF_MEMORY = ("out-of-memory", "out-of-memory-twice")
ELSEWHERE = {"bad-device", "preempted", "lost-node"}


class Runs:
    """A run of each failure on one side; they go on at the same time."""

    def __init__(self, project, flights, *words):
        self.project, self.words = project, words
        self.environment = {**os.environ, **flights.environment}
        self.started = {}
        self.ended = {}

    def start(self, case):
        name = f"{case}-{secrets.token_hex(3)}"
        argv = [
            *(Path(sys.executable).with_name("tiphys"), "run", f"manifests/ci/{case}.yaml"),
            *("--name", name, "-o", "json", *GIVEN.get(case, ()), *self.words),
        ]
        process = subprocess.Popen(
            argv,
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started[case] = (name, process)
        return name

    def end(self, case):
        """Return the Workflow object of the run of *case*, once it has ended."""
        if case not in self.ended:
            _, process = self.started[case]
            printed, said = process.communicate(timeout=LIMIT_SECONDS)
            assert process.returncode in (0, 1), said
            self.ended[case] = json.loads(printed)
        return self.ended[case]

    def close(self):
        """Leave nothing running, whatever a test came to."""
        for _, process in self.started.values():
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a project whose steps fail, with a manifest a failure."""
    root = tmp_path_factory.mktemp("project") / "failing"
    failing.prepare(root, "ci", yaml.safe_dump(profile()))
    return root


def profile():
    """Return that of the cluster, with tiers that are small and may be taken away."""
    found = yaml.safe_load((ROOT / "manifests" / "ci" / "profile.yaml").read_text())
    small = {
        "requests": {"cpu": "20m", "memory": "64Mi"},
        "limits": {"memory": "200Mi", "ephemeral-storage": "200Mi"},
    }
    device = {
        "requests": small["requests"],
        "limits": {**small["limits"], "nvidia.com/gpu": 1},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }
    gpus = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
    found["tiers"] = {
        "cpu": small,
        "gpu": {**device, "nodeSelector": gpus},
        "spot": {
            **device,
            "nodeSelector": {**gpus, "pool": "spot"},
            "onDemand": {"nodeSelector": {"pool": "on-demand"}},
        },
    }
    return {key: value for key, value in found.items() if key not in {"cache", "gang"}}


@pytest.fixture(scope="module")
def here(project, flights):
    """Return the runs on this machine; what happens to nodes there happens to processes here."""
    with closing(Runs(project, flights)) as runs:
        for case in CASES:
            runs.start(case)
        disturb(project, runs)
        yield runs


def disturb(project, runs):
    """Tell the step that counts to go, and kill what sees to the one that lingers."""
    for case, number in (("preempted", signal.SIGTERM), ("lost-node", signal.SIGKILL)):
        folder = project / ".tiphys" / "runs" / runs.started[case][0]
        log = until(
            f"the log of {case}",
            lambda at=folder: [p for p in at.glob("nodes/*/log") if failing.READY in p.read_text()],
        )[0]
        os.kill(int(log.with_name("pid").read_text()), number)


@pytest.fixture(scope="module")
def installed(project, flights):
    """Have the project installed; what was there before stays."""
    said = flights.kubectl("apply", f"--filename={project}/manifests/ci/install.yaml")
    flights.kubectl("delete", "serviceaccount", "tiphys-begin")
    yield
    made = [line.split()[0] for line in said.splitlines() if line.endswith(" created")]
    flights.kubectl("delete", "workflows", "--selector=tiphys.dev/owner=test-failures")
    if made:
        flights.kubectl("delete", "--ignore-not-found", *made)


@pytest.fixture(scope="module")
def there(project, flights, installed):  # noqa: ARG001 -- it is there
    """Return the runs on Argo; nodes are tainted and lost meanwhile."""
    with closing(Runs(project, flights, "--on", "ci")) as runs:
        for case in SHORT_OF_MEMORY:  # under load a small machine forgets why it killed them
            runs.start(case)
        for case in SHORT_OF_MEMORY:
            runs.end(case)
        for case in (*CASES, REFUSED, FULL_DISK):
            if case not in (*SHORT_OF_MEMORY, "lost-node"):
                runs.start(case)
        runs.end("bad-device")  # or the taint would take its node, too
        take_away(flights, runs)
        runs.start("lost-node")
        lose(flights, runs)
        runs.start(REBOOTED)
        found = until("the step that lingers again", lambda: pod(flights, runs, REBOOTED))
        flights.reboot_node(found["spec"]["nodeName"])
        yield runs


def pod(flights, runs, case):
    """Return the pod of *case* that says it is ready, None before."""
    label = f"--selector=workflows.argoproj.io/workflow={runs.started[case][0]}"
    for one in flights.get("pods", label)["items"]:
        with suppress(HarnessError):  # its container has not started
            if failing.READY in flights.kubectl(
                "logs", one["metadata"]["name"], "--container=main"
            ):
                return one
    return None


def take_away(flights, runs):
    """Reclaim the spot node under the step that counts, until the step is done on another."""
    found = until("the step that counts", lambda: pod(flights, runs, "preempted"))
    assert found["spec"]["nodeName"] == SPOT
    with flights.tainted(SPOT, TAINT, "now", "NoExecute"):
        runs.end("preempted")


def lose(flights, runs):
    """Lose the node under the step that lingers, until the step is done on another."""
    found = until("the step that lingers", lambda: pod(flights, runs, "lost-node"))
    with flights.lost_node(found["spec"]["nodeName"]):
        runs.end("lost-node")


@pytest.mark.parametrize("case", CASES)
def test_a_failure_is_answered_as_its_policy_says_on_both_sides(here, there, case):
    phase, decisions = EXPECTED[case]

    for run in (there.end(case), here.end(case)):
        (row,) = rows(run)
        assert [one.decision for one in row.attempts] == decisions
        assert run["status"]["phase"] == phase


@pytest.mark.parametrize("case", CASES)
def test_both_sides_agree_node_by_node(here, there, case):
    found = parity.differences(here.end(case), there.end(case))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("case", CASES)
def test_only_a_node_that_is_to_blame_is_left(there, case):
    (row,) = rows(there.end(case))

    assert (len({one.host for one in row.attempts}) > 1) == (case in ELSEWHERE)


def test_a_pod_that_the_cluster_refuses_is_never_tried_again(there):
    (row,) = rows(there.end(REFUSED))

    (attempt,) = row.attempts
    assert "is forbidden: error looking up service account" in attempt.message
    assert attempt.decision.startswith("refused: never tried again; the API server did not take it")


def test_a_step_that_writes_more_than_it_may_is_never_tried_again(there):
    (row,) = rows(there.end(FULL_DISK))

    (attempt,) = row.attempts
    assert "exceed" in attempt.message
    assert attempt.decision.startswith("full disk: never tried again; it wrote more than")


def test_a_step_whose_node_was_off_for_a_moment_is_tried_again(there):
    run = there.end(REBOOTED)

    (row,) = rows(run)
    assert run["status"]["phase"] == "Succeeded"
    assert row.attempts[0].exit_code in {137, 255}  # kubelet's: nobody has seen it end
    assert [one.decision for one in row.attempts] == [f"lost node (1 of 5): {AGAIN}", ""]


def test_a_step_that_was_preempted_goes_on_where_it_was_on_a_node_that_stays(there):
    (row,) = rows(there.end("preempted"))

    assert row.outputs["resumed_at"] == "400"
    assert [one.host for one in row.attempts] == [SPOT, STAYS]


def test_the_waits_between_attempts_grow(there):
    (row,) = rows(there.end("temporary"))

    waits = [wait(*pair) for pair in pairwise(row.attempts)]
    assert all(found >= least for found, least in zip(waits, (2, 4, 8), strict=True)), waits


def wait(before, after):
    return (after.started - before.finished).total_seconds()


def test_what_happened_is_told_in_a_table(here, there, tell):
    for case in CASES:
        tell(told(case, "here", here.end(case)), told(case, "argo", there.end(case)))


def told(case, side, run):
    (row,) = rows(run)
    codes = " ".join("-" if one.exit_code is None else str(one.exit_code) for one in row.attempts)
    waits = "+".join(f"{wait(*pair):.0f}" for pair in pairwise(row.attempts)) or "0"
    hosts = " ".join(one.host for one in row.attempts) if side == "argo" else ""
    status = run["status"]
    took = moment(status["finishedAt"]) - moment(status["startedAt"])
    return (
        f"{case:20} {side}  {status['phase']:10} exit {codes:13} "
        f"waits {waits:>7} s  {took.seconds:3} s in all  {hosts}"
    )
