"""`tiphys trigger`: what a push would start, from the payload that GitHub Actions leave."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiphys.cli.trigger import completed

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


def push(before, after):
    commit = {"message": "m", "author": {"name": "Ada"}}
    return {
        "ref": "refs/heads/main",
        "before": before,
        "after": after,
        "repository": {"clone_url": "https://git.example.com/ml/flights.git"},
        "pusher": {"name": "ada"},
        "head_commit": commit,
        "commits": [commit],
    }


def changed(push, folder):
    (commit,) = completed(push, folder)["commits"]
    return commit["modified"]


def test_files_that_the_payload_leaves_out_are_asked_of_git(repository):
    first, second = (git(repository, "rev-parse", name) for name in ("HEAD~1", "HEAD"))
    assert changed(push(first, second), repository) == ["README.md"]
    assert changed(push("0" * 40, first), repository) == ["components/train.py"]


def test_a_payload_that_names_its_files_is_taken_at_its_word(repository):
    event = push("0" * 40, "0" * 40)
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
    event = push("0" * 40, "a" * 40)
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
        (json.dumps(push("1" * 40, "2" * 40)), "production", "fetch-depth: 0"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path, text, profile, said):
    path = tmp_path / "event.json"
    path.write_text(text)
    done = trigger(path, "--on", profile)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
