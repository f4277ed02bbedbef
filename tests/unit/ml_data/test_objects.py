"""Commits are read as git stored them: alone, in a pack, as the difference to another."""

import os
import subprocess
from datetime import UTC, datetime

import pytest

from tiphys.ml.data.objects import committed_at

BEGIN = 1_800_000_000
COMMITS = 40


def git(folder, *words, **environment):
    done = subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A repository whose commits are alike, so that git packs most of them as differences."""
    folder = tmp_path_factory.mktemp("history")
    git(folder, "init", "-q")
    body = "\n".join(f"line {number} of a long message" for number in range(40))
    made = {}
    for number in range(COMMITS):
        when = {"GIT_COMMITTER_DATE": f"{BEGIN + number} +0900"}
        git(folder, "commit", "-q", "--allow-empty", "-m", f"{number}\n\n{body}", **when)
        made[git(folder, "rev-parse", "HEAD")] = datetime.fromtimestamp(BEGIN + number, UTC)
    return folder, made


def test_loose_commits_are_read(history):
    folder, made = history
    assert {name: committed_at(folder / ".git", name) for name in made} == made


@pytest.mark.parametrize(
    "setting", ["repack.useDeltaBaseOffset=true", "repack.useDeltaBaseOffset=false"]
)
def test_packed_commits_are_read(history, tmp_path, setting):
    folder, made = history
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", "--no-local", str(folder), str(copy))
    git(copy, "-c", setting, "repack", "-qadf", "--depth=20")
    index = next((copy / ".git/objects/pack").glob("*.idx"))
    assert "chain length" in git(copy, "verify-pack", "-v", str(index))
    assert {name: committed_at(copy / ".git", name) for name in made} == made


def test_a_commit_counts_as_later_than_its_parents_whatever_its_author_s_clock_says(tmp_path):
    git(tmp_path, "init", "-q")
    times = {}
    for name, seconds in (
        ("fast", BEGIN + 300),
        ("slow", BEGIN),
        ("same", BEGIN),
        ("later", BEGIN + 600),
    ):
        when = {"GIT_COMMITTER_DATE": f"{seconds} +0000"}
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", name, **when)
        moment = committed_at(tmp_path / ".git", git(tmp_path, "rev-parse", "HEAD"))
        times[name] = int(moment.timestamp()) - BEGIN
    assert times == {"fast": 300, "slow": 301, "same": 302, "later": 600}


def test_a_merge_counts_as_later_than_both_sides(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    for branch, seconds in (("main", BEGIN), ("side", BEGIN + 50)):
        git(tmp_path, "checkout", "-q", "-B", branch)
        when = {"GIT_COMMITTER_DATE": f"{seconds} +0000"}
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", branch, **when)
    git(tmp_path, "checkout", "-q", "main")
    when = {"GIT_COMMITTER_DATE": f"{BEGIN + 10} +0000"}
    git(tmp_path, "merge", "-q", "--no-ff", "-m", "merge", "side", **when)
    moment = committed_at(tmp_path / ".git", git(tmp_path, "rev-parse", "HEAD"))
    assert int(moment.timestamp()) == BEGIN + 51


def test_what_is_not_there_or_not_readable_has_no_time(history, tmp_path):
    folder, made = history
    assert committed_at(folder / ".git", "0" * 40) is None
    assert committed_at(tmp_path, "main") is None
    name = next(iter(made))
    spoilt = tmp_path / "objects" / name[:2] / name[2:]
    spoilt.parent.mkdir(parents=True)
    spoilt.write_text("no zlib")
    assert committed_at(tmp_path, name) is None
