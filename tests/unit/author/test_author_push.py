"""Which pushes start a run: the rendered selector, evaluated by what is matched with Argo."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tiphys.author import address, push
from tiphys.cluster import trigger
from tiphys.expression import Environment, evaluate
from tiphys.manifest import profiles
from tiphys.ml.data import repository
from workflows import push as project

ROOT = Path(__file__).parents[3]
NOW = Environment(now=datetime(2026, 1, 1, tzinfo=UTC), seed=0)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def production():
    return profiles.load(ROOT / "manifests" / "production")


@pytest.fixture(scope="module")
def resources(production):
    return project.webhook(production).resources(production)


@pytest.fixture(scope="module")
def binding(resources):
    return resources[0].to_dict()


def event(*files, **changed):
    commit = {
        "message": "Train longer",
        "author": {"name": "Ada"},
        "added": [],
        "removed": [],
        "modified": [*(files or ("components/train.py",))],
    } | {key: changed.pop(key) for key in ("message", "author") if key in changed}
    return {
        "ref": "refs/heads/main",
        "after": COMMIT,
        "repository": {"clone_url": "https://git.example.com/ml/flights.git"},
        "pusher": {"name": "ada"},
        "head_commit": commit,
        "commits": [commit],
    } | changed


def test_a_push_of_code_starts_a_run_of_that_commit(binding):
    start = trigger.decide(binding, event(compare="https://git.example.com/1...2"), NOW)

    assert start == trigger.Start(
        template="training",
        name="training-0123456789ab",
        parameters={"revision": COMMIT},
        labels={"tiphys.dev/commit": COMMIT, "tiphys.dev/pusher": "ada"},
        annotations={"tiphys.dev/change": "https://git.example.com/1...2"},
    )
    assert start.workflow["metadata"]["name"] == start.name
    assert start.workflow["spec"] == {"workflowTemplateRef": {"name": "training"}}


@pytest.mark.parametrize(
    "file", ["quality/flights.json", "gate/flights.yaml", "dvc.lock", "dvc.yaml", "params.yaml"]
)
def test_data_gate_and_expectations_start_a_run_too(binding, file):
    assert isinstance(trigger.decide(binding, event("README.md", file), NOW), trigger.Start)


@pytest.mark.parametrize(
    ("push", "reason"),
    [
        (event("README.md", "docs/components/x.md", "data/dvc.lock"), "components/"),
        (event(ref="refs/heads/try"), "refs/heads/main"),
        (event(repository={"clone_url": "https://git.example.com/x/flights.git"}), "clone_url"),
        (event(head_commit=None, commits=[]), "head_commit != nil"),
        (event(message="Add 2013-10 [tiphys skip]"), "[tiphys skip]"),
        (event(author={"name": "tiphys[bot]"}), "author"),
        (event("components/train.py", "requirements/train.lock"), "requirements"),
        (event("components/train.py", "manifests/production/training.yaml"), "manifests"),
    ],
)
def test_a_push_that_starts_nothing_is_told_why(binding, push, reason):
    decided = trigger.decide(binding, push, NOW)
    assert isinstance(decided, trigger.Nothing)
    assert reason in decided.reason


MERGED = "Merge pull request #12 from ada/back\n\n"
MESSAGES = {
    "Publish 2013-05 [tiphys skip]\n\nPublished-By: publishing-1": False,
    "Name the images that were built [tiphys skip]": False,
    "Add 2013-10\n\n[tiphys skip]": False,
    "Train longer": True,
    'Revert "Publish 2013-05 [tiphys skip]"\n\nThis reverts commit 0123456.': True,
    'Revert "Publish 2013-05 [tiphys skip]" (#12)\n\nThe month is wrong.': True,
    f'{MERGED}Revert "Publish 2013-05 [tiphys skip]"': True,
    'Reapply "Publish 2013-05 [tiphys skip]"\n\nThis reverts commit 1234567.': True,
    'Revert "Revert "Publish 2013-05 [tiphys skip]""': True,
    'Back to April (#12)\n\n* Revert "Publish 2013-05 [tiphys skip]"\n\n* Say why': True,
}
"""Whether a commit with this message starts a run: the marker counts unless it is quoted."""


@pytest.mark.parametrize("message", MESSAGES)
def test_a_push_starts_nothing_where_a_run_has_committed_and_starts_a_run_where_that_is_undone(
    binding, message
):
    decided = trigger.decide(binding, event("dvc.lock", message=message), NOW)
    assert isinstance(decided, trigger.Start) == MESSAGES[message]


def test_manifests_of_another_cluster_are_no_reason_to_wait(binding):
    push = event("components/train.py", "manifests/ci/training.yaml")
    assert isinstance(trigger.decide(binding, push, NOW), trigger.Start)


def test_an_event_that_is_no_payload_is_the_user_s_error(binding):
    with pytest.raises(trigger.BindingError, match=r"payload of a push\?"):
        trigger.decide(binding, {"ref": "refs/heads/main"}, NOW)


@pytest.mark.parametrize(
    ("url", "announced"),
    [
        ("https://github.com/ml/flights", "https://github.com/ml/flights.git"),
        ("https://bot@github.com/ml/flights.git/", "https://github.com/ml/flights.git"),
        ("ssh://git@github.com:22/ml/flights.git", "git@github.com:ml/flights.git"),
        ("git@github.com:ml/flights.git", "git@github.com:ml/flights.git"),
        ("git://10.0.0.1/flights.git", "git://10.0.0.1/flights.git"),
    ],
)
def test_a_repository_is_known_by_the_url_that_a_payload_gives_it(url, announced):
    assert address.announced(url) == announced


def test_a_run_s_own_commits_are_those_that_the_selector_refuses(production):
    webhook = project.webhook(production)
    assert webhook.skip == repository.SKIP
    assert repository.BOT.partition(" <")[0] == webhook.bot


def test_the_account_may_start_runs_and_nothing_else(resources):
    (role,) = [r.to_dict() for r in resources if r.to_dict()["kind"] == "Role"]
    assert [(*rule["resources"], *rule["verbs"]) for rule in role["rules"]] == [
        ("workfloweventbindings", "list"),
        ("workflowtemplates", "get"),
        ("workflows", "create"),
    ]


def test_the_secret_is_a_template_that_no_apply_of_the_folder_takes():
    folder = ROOT / "manifests" / "production"
    file = folder / "webhook-secret.yaml.template"
    secret = yaml.safe_load(file.read_text())
    assert secret["metadata"]["name"] == "argo-workflows-webhook-clients"
    assert yaml.safe_load(secret["stringData"][push.ACCOUNT])["type"] == "github"
    assert "webhook-clients" not in (folder / "install.yaml").read_text()
    assert (folder / "install.yaml").read_text().count("kind: WorkflowEventBinding") == 1


def test_without_git_there_is_nothing_to_bind():
    assert project.build(profiles.load(ROOT / "manifests" / "local")) == []


@pytest.fixture(scope="module", params=["retrain", "images"])
def listening(request):
    """Return a workflow of GitHub Actions: its name and what it listens for."""
    found = yaml.safe_load((ROOT / f".github/workflows/{request.param}.yml").read_text())
    (job,) = found["jobs"].values()
    return request.param, found[True]["push"], job["if"]  # YAML 1.1 reads `on` as true


def test_github_actions_listen_for_the_same_pushes(production, listening):
    name, on, condition = listening
    webhook = project.webhook(production)
    wanted = webhook.paths if name == "retrain" else webhook.first
    assert on["branches"] == [webhook.branch]
    assert on["paths"] == [f"{path}**" if path.endswith("/") else path for path in wanted]
    assert f"'{webhook.bot}'" in condition


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize(("author", "counts"), [("Ada", True), ("tiphys[bot]", False)])
def test_github_actions_leave_the_same_commits_alone(listening, message, author, counts):
    *_, condition = listening
    push = {"event": event(message=message, author={"name": author})}
    assert evaluate(expr(condition), {"github": push}, NOW) is (counts and MESSAGES[message])


def expr(condition):
    """Return an `if:` of GitHub Actions, of which little is used, as Argo would write it."""
    inner = condition.removeprefix("${{").removesuffix("}}")
    return re.sub(r"(\w+)\(([\w.]+), ('[^']*')\)", r"(\2 \1 \3)", inner)


def test_a_binding_that_is_not_there_names_what_would_make_one(tmp_path):
    with pytest.raises(trigger.BindingError, match="Only a profile with"):
        trigger.read(tmp_path / "push.yaml")
    (tmp_path / "push.yaml").write_text(json.dumps({"kind": "Secret"}))
    with pytest.raises(trigger.BindingError, match="no WorkflowEventBinding in it"):
        trigger.read(tmp_path / "push.yaml")
