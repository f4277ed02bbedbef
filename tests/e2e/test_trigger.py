"""`tiphys trigger`: what a push would start, from the payload that GitHub Actions leave."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiphys.cli.trigger import completed
from tiphys.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path):
    """A repository of two commits: code, then a README."""
    folder = tmp_path / "flights"
    (folder / "components").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    for name in ("components/train.py", "README.md"):
        (folder / name).write_text("x")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", name)
    return folder


def git(folder, *words):
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(
        ["git", "-C", folder, *who, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def push(*ids, before="0" * 40):
    """Return what GitHub Actions leave of a push of the commits *ids*."""
    commits = [{"id": each, "message": "m", "author": {"name": "Ada"}} for each in ids]
    return {
        "ref": "refs/heads/main",
        "before": before,
        "after": ids[-1],
        "repository": {"clone_url": "https://git.example.com/ml/flights.git"},
        "pusher": {"name": "ada"},
        "head_commit": commits[-1],
        "commits": commits,
    }


def changed(push, folder):
    (commit,) = completed(push, folder)["commits"]
    return sorted(commit["modified"])


def history(repository):
    return git(repository, "rev-list", "--reverse", "HEAD").split()


def test_files_that_the_payload_leaves_out_are_asked_of_git(repository):
    first, second = history(repository)
    assert changed(push(second, before=first), repository) == ["README.md"]
    assert changed(push(first), repository) == ["components/train.py"]


def test_a_file_that_is_what_it_was_before_the_push_does_not_count(repository):
    before, _ = history(repository)
    git(repository, "rm", "-q", "README.md")
    (repository / "dvc.lock").write_text("x")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Undo and do")
    *_, undone, last = history(repository)
    assert changed(push(undone, last, before=before), repository) == ["dvc.lock"]


def test_on_a_new_branch_what_every_commit_changed_counts(repository):
    both = ["README.md", "components/train.py"]
    assert changed(push(*history(repository)), repository) == both


def test_after_a_force_push_it_does_not_matter_that_the_commit_before_is_gone(repository):
    gone = push(history(repository)[1], before="1" * 40)
    assert changed(gone, repository) == ["README.md"]


def test_what_a_merge_brings_counts_though_its_commits_are_not_listed(repository):
    git(repository, "checkout", "-qb", "side", "HEAD~1")
    (repository / "dvc.lock").write_text("x")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "dvc.lock")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "-m", "Merge", "side")
    assert changed(push(git(repository, "rev-parse", "HEAD")), repository) == ["dvc.lock"]


def test_a_shallow_clone_is_refused_where_every_file_would_seem_new(repository, tmp_path):
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "shallow")
    with pytest.raises(UserError, match=r"shallow.*fetch-depth: 0"):
        completed(push(history(repository)[1]), tmp_path / "shallow")


def test_what_git_says_stays_on_one_line(repository):
    with pytest.raises(UserError, match=r"bad object") as refused:
        completed(push("2" * 40), repository)
    assert "\n" not in str(refused.value)


def test_a_payload_that_names_its_files_is_taken_at_its_word(repository):
    event = push("0" * 40)
    event["commits"][0] |= {"added": [], "removed": [], "modified": ["dvc.lock"]}
    assert completed(event, repository) is event


def trigger(event, *words):
    argv = [Path(sys.executable).with_name("tiphys"), "trigger", event, *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("components/train.py", "training-aaaaaaaaaaaa: training of {'revision': 'aaaa"),
        ("README.md", "This push starts nothing: it is not so that\n  any(payload.commits"),
    ],
)
def test_a_dry_run_says_what_would_start_or_what_is_missing(tmp_path, file, said):
    event = push("a" * 40)
    event["commits"][0] |= {"added": [], "removed": [], "modified": [file]}
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    done = trigger(path, "--on", "production", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.parametrize(
    ("text", "profile", "said"),
    [
        ("no JSON", "production", "is no JSON object"),
        ("[]", "production", "is no JSON object"),
        ('{"ref": "refs/heads/main"}', "production", "Is this GitHub's payload of a push?"),
        ("{}", "local", "there is no such manifest"),
        (json.dumps(push("2" * 40)), "production", "fetch-depth: 0"),
        ('{"commits": [1]}', "production", "`commits` holds 1, where"),
        ('{"commits": {"id": "%s"}}' % ("a" * 40), "production", '`commits` holds {"id": "aaa'),
        ('{"commits": "abc"}', "production", '`commits` holds "abc", where'),
        ('{"commits": [{"id": "--all"}]}', "production", '`commits` holds {"id": "--all"}, where'),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path, text, profile, said):
    path = tmp_path / "event.json"
    path.write_text(text)
    done = trigger(path, "--on", profile)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
