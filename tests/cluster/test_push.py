"""A push to the project's repository is a run of the pushed commit: on the real Argo Server.

The payloads are GitHub's and signed; the repository is served by `git daemon`.
"""

import json
import secrets

import pytest
from checkout import OURS, assert_succeeded, change, copy_data, copy_project, move, outputs_of
from harness.installation import guarded
from patience import until
from pushes import LIMIT_SECONDS, SECRET, Hook, Repository

from tiphys.report.rows import moment

pytestmark = pytest.mark.cluster

NAMESPACE = "tiphys-push"
LET_GO = "/tmp/go"  # noqa: S108 - in a pod
HELD = f"""
import pathlib
import time

while not pathlib.Path("{LET_GO}").exists():
    time.sleep(0.5)
"""
"""What keeps the deployment of the older of two pushes waiting until the newer is through."""


@pytest.fixture(scope="module")
def repository(cluster, tmp_path_factory):
    """Serve a repository with a copy of the project, installed in a namespace of its own."""
    with cluster.git_daemon() as remote, guarded(cluster, NAMESPACE) as installed:
        made = Repository(tmp_path_factory.mktemp("push") / "flights", installed, remote.url)
        copy_project(made.root)
        own = (r"s3://(registry|checkpoints)", rf"s3://{NAMESPACE}/\1")
        move(made.root, remote.url, NAMESPACE, own)
        # here it is about the order of deployments, not about which model is better
        change(
            made.root / "gate/flights.yaml",
            (r"margin: [0-9.]+", "margin: 0.4"),
            (r"rule: superior", "rule: non_inferior, margin: 0.4"),
        )
        made.tiphys("render", "ci")
        made.git("init", "-q", "-b", "main")
        made.git("remote", "add", "origin", str(remote.path))
        made.push({"README.md": str}, message="The project")
        installed.kubectl("apply", "-f", str(made.root / "manifests/ci/install.yaml"))
        copy_data(cluster)
        yield made


@pytest.fixture(scope="module")
def hook(repository):
    """Give the webhook its secret, from the rendered template."""
    template = (repository.root / "manifests/ci/webhook-secret.yaml.template").read_text()
    installed = repository.installed
    installed.kubectl("apply", "-f=-", stdin=template.replace("${WEBHOOK_SECRET}", SECRET))
    return Hook(installed)


@pytest.fixture(scope="module")
def pushed(hook, repository):
    """Push a changed constant, deliver the event twice; return what came of it."""
    edit = {"components/resolve.py": lambda text: text + '\nprint("the constant is 4711")\n'}
    event = repository.push(edit)
    first = hook.deliver(event)
    (name,) = hook.runs()
    again = hook.deliver(event)
    run, seen = hook.ended(name)
    return {"event": event, "answers": (first, again), "run": run, "seen": seen}


IGNORED = {
    "another branch": {"ref": "refs/heads/try"},
    "another repository": {
        "repository": {"full_name": "x/y", "clone_url": "https://git.example.com/x/y.git"}
    },
    "only the README": {"modified": ["README.md"]},
    "a changed lock, whose image CI must build first": {
        "modified": ["components/train.py", "requirements/train.lock"]
    },
    "changed manifests, which CI must apply first": {
        "modified": ["components/train.py", "manifests/ci/training.yaml"]
    },
    "a commit that is marked": {"message": "Add 2013-10\n\n[tiphys skip]"},
    "a commit of a run": {"author": {"name": "tiphys[bot]", "email": ""}},
    "a deleted branch": {"head_commit": None, "commits": [], "deleted": True, "after": "0" * 40},
}


def altered(event, changes):
    """Return *event* with *changes* of the event itself or of its commit."""
    event = {**event, "after": secrets.token_hex(20)}
    commit = {**event["head_commit"]}
    for key, value in changes.items():
        (commit if key in commit and key in {"modified", "message", "author"} else event)[key] = (
            value
        )
    if "head_commit" not in changes:
        event |= {"head_commit": commit, "commits": [commit]}
    return event


def test_a_push_is_a_run_of_the_pushed_commit(pushed):
    run, event = pushed["run"], pushed["event"]
    assert_succeeded(run)
    assert run["metadata"]["name"] == f"training-{event['after'][:12]}"
    assert run["metadata"]["labels"]["tiphys.dev/commit"] == event["after"]
    assert run["metadata"]["labels"]["tiphys.dev/pusher"] == "ada-bot"
    outputs = outputs_of(run)
    assert outputs["resolve"]["revision"] == event["after"]
    assert json.loads(outputs["resolve"]["dataset"])["revision"] == event["after"]
    assert outputs["deploy"]["released"] == "true"


def test_the_run_prints_the_constant_that_was_pushed(pushed):
    assert "the constant is 4711" in pushed["seen"].log


def test_a_redelivered_push_makes_no_second_run(pushed, hook):
    first, again = pushed["answers"]
    assert first == 200
    assert again >= 400  # Argo's own: the name is taken
    assert len(hook.runs()) == 1


@pytest.fixture
def trigger(repository, tmp_path):
    """Return what `tiphys trigger` does with a payload: how a team without webhooks starts runs."""

    def trigger(event):
        file = tmp_path / "event.json"
        file.write_text(json.dumps(event))
        repository.environment["ARGO_TOKEN"] = repository.installed.token("tiphys-submitter")
        return repository.tiphys("trigger", str(file), "--on", "ci")

    return trigger


def test_a_push_that_the_webhook_has_delivered_is_not_started_again_without_it(pushed, trigger):
    assert "this push has started it already" in trigger(pushed["event"])


@pytest.mark.usefixtures("pushed")
def test_without_a_webhook_the_run_of_a_push_is_the_same(hook, repository, trigger):
    event = repository.push({"params.yaml": lambda text: text + "# changed\n"})
    hook.installed.kubectl("label", "workflowtemplate", "training", "applied=since")
    trigger(event)
    name = f"training-{event['after'][:12]}"
    run = hook.installed.get("workflow", name)
    there = hook.installed.get("workflowtemplate", "training")
    assert there["metadata"]["labels"]["applied"] == "since"  # the checkout's may be older
    assert run["metadata"]["labels"]["tiphys.dev/commit"] == event["after"]
    assert run["metadata"]["labels"]["tiphys.dev/pusher"] == "ada-bot"
    given = {p["name"]: p["value"] for p in run["spec"]["arguments"]["parameters"]}
    assert given["revision"] == event["after"]
    assert hook.deliver(event) >= 400  # the name is taken, so the webhook adds nothing
    hook.installed.kubectl("delete", "workflow", name)
    hook.installed.kubectl("label", "workflowtemplate", "training", "applied-")


@pytest.mark.parametrize("reason", IGNORED)
def test_nothing_runs_for(pushed, hook, reason):
    before = set(hook.runs())
    assert hook.deliver(altered(pushed["event"], IGNORED[reason])) == 200
    assert set(hook.runs()) == before


@pytest.mark.usefixtures("pushed")
def test_an_event_that_is_no_push_starts_nothing_and_is_no_error(hook):
    before = set(hook.runs())
    assert hook.deliver({"zen": "Keep it simple."}, event="ping") == 200
    assert set(hook.runs()) == before


def test_a_wrong_signature_is_refused(pushed, hook):
    before = set(hook.runs())
    answer = hook.deliver(altered(pushed["event"], {}), secret=SECRET[::-1])
    assert answer in {401, 403}
    assert set(hook.runs()) == before


def test_how_long_it_takes_from_push_to_the_new_model_is_told(pushed, tell):
    run = pushed["run"]
    pods = sorted((n for n in nodes(run) if n["type"] == "Pod"), key=lambda n: n["startedAt"])
    answered = next(n["finishedAt"] for n in nodes(run) if n["displayName"] == "deploy")
    whole = seconds(run["metadata"]["creationTimestamp"], answered)
    spans = pushed["seen"].spans
    ours = union(span for span in spans.values() if span[0] <= moment(answered))
    lines = [f"push to answering model: {whole:.0f} s, of which steps ran {ours:.0f} s"]
    for node in pods:
        begin, end = spans.get(pod_name(run, node), (None, None))
        inner = f"{(end - begin).total_seconds():4.0f} s" if begin else "?"
        took = seconds(node["startedAt"], node["finishedAt"])
        lines.append(f"  {node['displayName']:12} node {took:4.0f} s, its own container {inner}")
    tell(*lines)
    assert whole < LIMIT_SECONDS


@pytest.mark.usefixtures("pushed")
def test_the_older_of_two_quick_pushes_does_not_replace_the_newer(hook, repository):
    older = repository.push({"components/deploy.py": lambda text: text + HELD})
    newer = repository.push(
        {
            "components/deploy.py": lambda text: text.removesuffix(HELD),
            "components/resolve.py": lambda text: text.replace(
                "known[before - window : before]", "known[before - 2 : before]"
            ),
        }
    )
    assert [hook.deliver(event) for event in (older, newer)] == [200, 200]
    last, first = (f"training-{event['after'][:12]}" for event in (newer, older))
    runs = [hook.ended(last)]
    pod = until("the older's deployment", lambda: deployment(repository.installed, first))
    repository.installed.kubectl("exec", pod, "--container=main", "--", "touch", LET_GO)
    runs.append(hook.ended(first))
    assert [run["status"]["phase"] for run, _ in runs] == ["Succeeded", "Succeeded"]
    assert [outputs_of(run)["deploy"]["released"] for run, _ in runs] == ["true", "false"]
    assert runs[0][0]["status"]["finishedAt"] < runs[1][0]["status"]["finishedAt"]
    assert "is not released" in runs[1][1].log


def test_what_a_push_needs_is_applied_twice_without_a_change(repository):
    file = str(repository.root / "manifests/ci/install.yaml")
    again = repository.installed.kubectl("apply", "-f", file).splitlines()
    assert [line for line in again if "workfloweventbinding" in line]
    assert all(line.endswith(" unchanged") for line in again), again
    assert repository.installed.kubectl("diff", "-f", file) == ""


def test_deleting_what_a_push_needs_leaves_the_secret_that_was_made_by_hand(repository):
    file = str(repository.root / "manifests/ci/install.yaml")
    repository.installed.kubectl("delete", "--ignore-not-found", "-f", file)
    kinds = "workfloweventbindings,workflowtemplates,cronworkflows,sa,roles,rolebindings,secrets"
    left = repository.installed.get(kinds, "-l", OURS)["items"]
    assert [one["metadata"]["name"] for one in left] == ["argo-workflows-webhook-clients"]


def deployment(installed, run):
    """Return the name of the pod in which *run* deploys, None before it does."""
    pods = installed.get("pods", f"--selector=workflows.argoproj.io/workflow={run}")["items"]
    named = {pod["metadata"]["name"]: pod["status"]["phase"] for pod in pods}
    return next(
        (name for name, phase in named.items() if "-deploy-" in name and phase == "Running"), None
    )


def nodes(run):
    return run["status"]["nodes"].values()


def seconds(begin, end):
    return (moment(end) - moment(begin)).total_seconds()


def pod_name(run, node):
    suffix = node["id"].rpartition("-")[2]
    return f"{run['metadata']['name']}-{node['templateName']}-{suffix}"


def union(spans):
    """Return how many seconds at least one of the spans covers."""
    seconds, latest = 0.0, 0.0
    for begin, end in sorted((b.timestamp(), e.timestamp()) for b, e in spans):
        seconds += max(0.0, end - max(begin, latest))
        latest = max(latest, end)
    return seconds
