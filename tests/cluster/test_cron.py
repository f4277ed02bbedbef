"""Schedules on the real controller: fire, publish, fire again; and all that can keep one from it.

The project is a copy in a repository that pods read from and push to, in a namespace of its own.
Its retraining comes every minute, and is small: one month to train on, one epoch.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from checkout import Checkout, assert_succeeded, change, copy_project, git, move, outputs_of
from harness.installation import guarded
from patience import until

from tiphys.manifest import crons
from tiphys.ml.data import calendar
from tiphys.report.rows import moment

pytestmark = pytest.mark.cluster

NAMESPACE = "tiphys-cron"
LIMIT = 600
LAST = "2013-04"
"""The newest month of the copy; its source has the rest of the year."""


class Project(Checkout):
    """The copy, whose commands ask the namespace of its own."""

    def __init__(self, root, installed):
        super().__init__(root, installed.cluster)
        self.installed = installed

    def runs(self, cron):
        """Return the runs that *cron* started, the oldest first."""
        label = f"workflows.argoproj.io/cron-workflow={cron}"
        return sorted(self.installed.get("workflows", "-l", label)["items"], key=scheduled)

    def outlast(self, run):
        """Return ten seconds after the next start is due, while *run* is active.

        On a fast machine it would have ended: it is suspended as soon as it deploys, its last step
        but for the exit handler, so that the times of its pods are those of any run.
        """
        name, over = run["metadata"]["name"], scheduled(run) + 70
        while not (deploys := self.deploys(name)) and now().timestamp() < over:
            time.sleep(0.5)
        if deploys:
            self.suspend(name)
        time.sleep(max(0, over - now().timestamp()))

    def deploys(self, name):
        """Whether the run *name* has come to its deployment."""
        nodes = self.installed.get("workflow", name).get("status", {}).get("nodes") or {}
        return any(pod["templateName"] == "deploy" for pod in pods_of(nodes))

    def suspend(self, name, *, yes=True):
        """Hold the run *name*, or let it go on; that it is not held is fine."""
        patch = json.dumps({"spec": {"suspend": yes or None}})
        self.installed.kubectl("patch", "workflow", name, "--type=merge", f"--patch={patch}")

    def ended(self, name):
        """Return the run *name* once it has ended well."""
        run = self.installed.ended(name, LIMIT)
        assert_succeeded(run)
        return run

    def start_publishing(self, run):
        """Start the publishing template under the name *run*."""
        workflow = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": run},
            "spec": {"workflowTemplateRef": {"name": "publishing"}},
        }
        self.installed.kubectl("create", "--filename=-", stdin=json.dumps(workflow))

    def published(self, run):
        """Return what the run *run* has published, once it has ended."""
        return outputs_of(self.ended(run))["publish"]

    def trivial(self, name, spec):
        """Make a CronWorkflow of one step that does nothing."""
        template = self.installed.get("workflowtemplate", "publishing")["spec"]["templates"][1]
        restricted = ("image", "imagePullPolicy", "securityContext", "resources")
        container = {key: template["container"][key] for key in restricted}
        container |= {"command": ["python", "-c", "pass"]}
        workflow = {
            "entrypoint": "main",
            "serviceAccountName": "tiphys-executor",
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001},
            "templates": [{"name": "main", "container": container}],
        }
        document = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "CronWorkflow",
            "metadata": {"name": name},
            "spec": {"workflowSpec": workflow, **spec},
        }
        self.installed.kubectl("apply", "--filename=-", stdin=json.dumps(document))
        return crons.of(document)


def scheduled(run):
    """Return the start that the controller made *run* for: its name ends in it."""
    return int(run["metadata"]["name"].rpartition("-")[2])


def now():
    return datetime.now(UTC)  # noqa: TID251 - the controller's clock is this one


def sleep_past_the_minute(seconds):
    """Return *seconds* after the next full minute."""
    time.sleep(60 - time.time() % 60 + seconds)  # noqa: TID251 - as above


@pytest.fixture(scope="module")
def project(cluster, tmp_path_factory):
    """Return the copy, pushed and installed; its retraining is suspended."""
    with cluster.git_daemon() as remote, guarded(cluster, NAMESPACE) as installed:
        made = Project(tmp_path_factory.mktemp("cron") / "flights", installed)
        copy_project(made.root)
        shrink(made, remote.url)
        shutil.copytree(made.root / ".dvc/cache/files", installed.bucket / "dvc" / "files")
        git(made.root, "add", "-A")
        git(made.root, "commit", "-q", "-m", "The project")
        git(made.root, "push", "-q", str(remote.path), "main")
        installed.kubectl("apply", "-f", str(made.root / "manifests/ci/install.yaml"))
        made.environment |= {"ARGO_TOKEN": installed.token("tiphys-submitter")}
        yield made


def shrink(project, url):
    """Make the copy small, and its own: namespace, storage, repository, schedule, data."""
    root = project.root
    git(root, "init", "-q", "-b", "main")
    move(root, url, NAMESPACE, (r"s3://(registry|checkpoints|dvc)", rf"s3://{NAMESPACE}/\1"))
    change(
        root / "workflows/training.py",
        (r"workers=run.workers,", "workers=run.workers, epochs=1,"),
        (r"holdout=run.holdout\b", "holdout=run.holdout, window=1"),
    )
    change(
        root / "workflows/retraining.py",
        (r'"0 3 2 \* \*"', '"* * * * *"'),
        (r"(timezone=)", r'parameters={"workers": 1}, \1'),
    )
    # here it is about which data are trained on, not about which model is better
    change(
        root / "gate/flights.yaml",
        (r"margin: [0-9.]+", "margin: 0.4"),
        (r"rule: superior", "rule: non_inferior, margin: 0.4"),
        (r"min: 0.60", "min: 0.3"),
        (r"max: 0.65", "max: 3"),
    )
    change(root / "params.yaml", (r"last: 2013-12", f"last: {LAST}"))
    python = Path(sys.executable)
    path = f"{python.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    subprocess.run([python, "-m", "dvc", "repro", "-q"], cwd=root, env=environment, check=True)
    project.tiphys("render", "ci")
    change(
        root / "manifests/ci/install.yaml", (r"(  - '?\* \* \* \* \*'?\n)", r"\1  suspend: true\n")
    )


@pytest.fixture(scope="module")
def story(project):
    """Fire, meet an active run, suspend, publish, resume; return what came of each.

    Beside that a schedule that makes up for nothing after five seconds starts, and is suspended.
    """
    project.trivial("strict", {"schedules": ["* * * * *"], "startingDeadlineSeconds": 5})
    told = {"resumed": project.tiphys("cron", "resume", "retraining", "--on", "ci")}
    (first,) = until("the first start", lambda: project.runs("retraining"), 240)
    project.outlast(first)
    told["while it ran"] = project.runs("retraining")
    told["listed"] = project.tiphys("cron", "list", "--on", "ci")
    told["suspended"] = project.tiphys("cron", "suspend", "retraining", "--on", "ci")
    project.suspend(first["metadata"]["name"], yes=False)
    project.tiphys("cron", "suspend", "strict", "--on", "ci")
    told["strict"] = project.runs("strict")
    told["first"] = project.ended(first["metadata"]["name"])
    begin = time.monotonic()
    project.start_publishing("publishing-first")
    told["published"] = project.published("publishing-first")
    told["publishing seconds"] = time.monotonic() - begin
    sleep_past_the_minute(10)
    told["while suspended"] = project.runs("retraining")
    told["resumed at"] = now()
    project.tiphys("cron", "resume", "retraining", "--on", "ci")
    *_, second = until("the second start", lambda: project.runs("retraining")[1:], 240)
    project.tiphys("cron", "suspend", "retraining", "--on", "ci")
    told["second"] = project.ended(second["metadata"]["name"])
    return told


def test_two_starts_around_a_publication_have_other_data_and_another_model(story):
    first, second = (outputs_of(story[name]) for name in ("first", "second"))
    data = [json.loads(found["resolve"]["dataset"])["md5"] for found in (first, second)]
    assert story["published"]["month"] == "2013-05"
    assert data[1] == story["published"]["data"] != data[0]
    assert first["resolve"]["holdout"] == LAST
    assert second["resolve"]["holdout"] == "2013-05"
    assert second["resolve"]["months"] == json.dumps([LAST])
    assert first["deploy"]["released"] == second["deploy"]["released"] == "true"
    assert first["deploy"]["version"] != second["deploy"]["version"]


def test_the_code_of_a_start_is_the_head_of_the_branch(story):
    revisions = [outputs_of(story[name])["resolve"]["revision"] for name in ("first", "second")]
    assert revisions[1] == story["published"]["commit"] != revisions[0]


def test_forbid_skips_the_start_that_comes_while_a_run_is_active(story):
    assert len(story["while it ran"]) == 1
    end = moment(story["first"]["status"]["finishedAt"]).timestamp()
    assert end > scheduled(story["first"]) + 60  # it was active when the next one was due


def test_a_suspended_schedule_starts_nothing(story):
    assert [run["metadata"]["name"] for run in story["while suspended"]] == [
        story["first"]["metadata"]["name"]
    ]
    assert "retraining is suspended" in story["suspended"]


def test_a_start_that_was_missed_is_made_up_for_within_its_deadline(story):
    due = datetime.fromtimestamp(scheduled(story["second"]), UTC)
    late = story["resumed at"] - due
    assert timedelta(0) < late < timedelta(minutes=1)  # the newest of those that were missed


def test_list_shows_the_last_start_and_the_active_run(story):
    (line,) = (one for one in story["listed"].splitlines() if one.startswith("retraining"))
    assert story["first"]["metadata"]["name"] in line
    last = datetime.fromtimestamp(scheduled(story["first"]), UTC)
    assert f"{last:%Y-%m-%d %H:%M}" in line


@pytest.mark.usefixtures("story")
def test_one_run_at_a_time_publishes(project):
    names = ["publishing-second", "publishing-third"]
    for name in names:
        project.start_publishing(name)
    runs = [project.ended(name) for name in names]
    one, other = sorted(map(pod_times, runs))
    assert one[1] <= other[0], "the mutex let both in"
    published = sorted(outputs_of(run)["publish"]["month"] for run in runs)
    assert published == ["2013-06", "2013-07"]


@pytest.mark.usefixtures("story")
def test_a_run_whose_pod_is_deleted_publishes_its_month_all_the_same(project):
    before = json.loads(project.tiphys("run", "publishing", "--on", "ci", "-o", "json"))
    month = outputs_of(before)["publish"]["month"]
    project.start_publishing("publishing-deleted")
    label = "workflows.argoproj.io/workflow=publishing-deleted"
    pods = ("pods", "-l", label)
    until("its pod", lambda: running(project.installed.get(*pods)["items"]), LIMIT)
    project.installed.kubectl("delete", *pods, "--grace-period=0", "--force")

    run = project.ended("publishing-deleted")
    nodes = {node["displayName"] for node in run["status"]["nodes"].values()}
    assert {"publish(0)", "publish(1)"} <= nodes
    published = outputs_of(run)["publish"]["month"]
    assert published == calendar.months(month, "2013-12")[1]


def running(pods):
    return [pod for pod in pods if pod["status"]["phase"] == "Running"]


def pods_of(nodes):
    return [node for node in nodes.values() if node["type"] == "Pod"]


def pod_times(run):
    """Return when the first pod of *run* began and the last one ended."""
    pods = pods_of(run["status"]["nodes"])
    starts, ends = ([moment(pod[key]) for pod in pods] for key in ("startedAt", "finishedAt"))
    return min(starts), max(ends)


def test_a_time_zone_decides_when_a_schedule_starts(project):
    zone = ZoneInfo("Asia/Kathmandu")  # 5:45 ahead of UTC
    soon = timedelta(seconds=90)  # leaves thirty at least, to make both before the time has come
    due = (now() + soon).replace(second=0, microsecond=0)
    local = due.astimezone(zone)
    hour = f"{local.minute} {local.hour} * * *"
    there = project.trivial("there", {"schedules": [hour], "timezone": zone.key})
    project.trivial("elsewhere", {"schedules": [hour], "timezone": "Etc/UTC"})
    assert there.next(now()) == due

    (run,) = until("the start in Kathmandu", lambda: project.runs("there"), 240)

    assert scheduled(run) == int(due.timestamp())
    assert project.runs("elsewhere") == []
    assert moment(until("it to be noted", lambda: last_start(project, "there"))) == due


def last_start(project, cron):
    """Return when *cron* started last, which is noted a moment after the run is made."""
    return project.installed.get("cronworkflow", cron).get("status", {}).get("lastScheduledTime")


def test_a_start_that_was_missed_for_longer_than_its_deadline_is_lost(project, story):
    last = scheduled(story["strict"][-1])
    assert now().timestamp() > last + 120  # at least one was missed
    if not 10 <= now().second <= 20:  # the newest start must be missed, and no other come soon
        time.sleep((10 - now().second) % 60)

    project.tiphys("cron", "resume", "strict", "--on", "ci")
    time.sleep(15)

    assert scheduled(project.runs("strict")[-1]) == last
    project.tiphys("cron", "suspend", "strict", "--on", "ci")


def test_an_impossible_schedule_that_argo_takes_is_shown_as_never(project):
    project.trivial("never", {"schedules": ["0 0 1 * *"], "suspend": True})
    patch = json.dumps({"spec": {"schedules": ["0 0 31 2 *"], "suspend": False}})
    project.installed.kubectl("patch", "cronworkflow", "never", "--type=merge", f"--patch={patch}")

    listed = project.tiphys("cron", "list", "--on", "ci")

    assert "never comes" in re.sub(r"\s+", " ", listed)


def test_how_long_it_takes_from_a_start_to_the_new_model_is_told(story, tell):
    lines = []
    for name in ("first", "second"):
        run = story[name]
        spans = pods_of(run["status"]["nodes"])
        # its pod's, not the step's: a suspended run notes that only when it is resumed
        answered = max(moment(p["finishedAt"]) for p in spans if p["templateName"] == "deploy")
        created = moment(run["metadata"]["creationTimestamp"])
        steps = ", ".join(
            f"{pod['displayName']} {(moment(pod['finishedAt']) - moment(pod['startedAt'])).seconds}"
            for pod in sorted(spans, key=lambda pod: pod["startedAt"])
        )
        whole = (answered - created).total_seconds()
        lines.append(f"{name} start to answering model: {whole:.0f} s ({steps})")
    tell(*lines, f"publishing a month: {story['publishing seconds']:.0f} s")
