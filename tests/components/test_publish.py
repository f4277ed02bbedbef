import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from components import publish as component
from tiphys.errors import UserError
from tiphys.ml.data import locked
from tiphys.ml.data.materialise import materialise
from tiphys.ml.data.repository import BOT, MovedError
from tiphys.ml.data.revision import Commit
from tiphys.step import Temporary

INGEST = """
import shutil, sys, yaml
from pathlib import Path
if sys.argv[1:] == ["newest"]:
    print("2013-03")
    raise SystemExit
last = yaml.safe_load(Path("params.yaml").read_text())["ingest"]["last"]
folder = Path("data/flights")
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
for month in ("2013-01", "2013-02", "2013-03"):
    if month <= last:
        (folder / f"{month}.parquet").write_text(f"the flights of {month}")
"""
FILES = {
    "components/__init__.py": "",
    "components/ingest.py": INGEST,
    "params.yaml": "# kept\ningest:\n  first: 2013-01   # too\n  last: 2013-01    # and this\n",
    "dvc.yaml": """
stages:
  ingest:
    cmd: python -m components.ingest
    deps: [components/ingest.py]
    params: [ingest]
    outs: [data/flights]
""",
    ".dvc/config": "[core]\n    analytics = false\n",
    ".dvc/.gitignore": "/cache\n/tmp\n/config.local\n",
    ".gitignore": "/data\n",
}
STAGES = ("cloned", "made", "stored", "committed", "pushed")


def git(folder, *words):
    identity = ("-c", "user.name=a person", "-c", "user.email=person@localhost")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """Return a bare repository whose `main` has the first of three months."""
    project = tmp_path / "project"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(project, "init", "-q", "-b", "main")
    component._dvc(project, "repro", "-q")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "The first month")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(project, "push", "-q", "-u", "origin", "main")
    return tmp_path / "origin.git"


def publish(repository, run="publishing-1"):
    remote = str(repository.parent / "remote")
    return component.publish(repository=str(repository), remote=remote, run=run)


def attempt(repository, folder, run="publishing-1"):
    return component.Publication(
        repository=str(repository),
        branch="main",
        remote=str(repository.parent / "remote"),
        dataset="data/flights",
        run=run,
        folder=folder,
    )


def months(repository):
    """Return what a reader of the branch finds in the remote, every byte verified."""
    project = repository.parent / "project"
    git(project, "fetch", "-q")
    pin = locked.resolve(Commit.find(project, "origin/main"), "data/flights").pin
    folder = repository.parent / f"read-{pin.md5}"
    materialise(pin, folder, remote=str(repository.parent / "remote"))
    return sorted(path.stem for path in folder.iterdir())


def test_the_next_month_is_in_the_remote_and_on_the_branch(repository):
    done = publish(repository)

    assert (done.month, done.commit) == ("2013-02", git(repository, "rev-parse", "main"))
    assert months(repository) == ["2013-01", "2013-02"]
    changed = git(repository, "show", "--name-only", "--format=", "main").split()
    assert changed == ["dvc.lock", "params.yaml"]
    text = git(repository, "show", "main:params.yaml")
    assert text == FILES["params.yaml"].strip().replace("last: 2013-01", "last: 2013-02")


def test_the_commit_says_who_made_it_and_starts_no_run(repository):
    publish(repository)

    assert git(repository, "log", "-1", "--format=%an <%ae>", "main") == BOT
    message = git(repository, "log", "-1", "--format=%B", "main")
    assert message == "Publish 2013-02 [tiphys skip]\n\nPublished-By: publishing-1"


def test_dvc_itself_reads_what_was_published(repository, tmp_path):
    publish(repository)
    git(tmp_path, "clone", "-q", str(repository), "reader")
    reader = tmp_path / "reader"

    component._dvc(reader, "remote", "add", "-q", "--local", "-d", "here", str(tmp_path / "remote"))
    component._dvc(reader, "pull", "-q")

    assert (reader / "data/flights/2013-02.parquet").read_text() == "the flights of 2013-02"
    assert "up to date" in component._output(reader, sys.executable, "-m", "dvc", "status")


def test_when_the_source_has_nothing_new_the_step_succeeds_and_changes_nothing(repository):
    publish(repository, "publishing-1")
    publish(repository, "publishing-2")
    head = git(repository, "rev-parse", "main")

    done = publish(repository, "publishing-3")

    assert (done.month, done.commit) == ("", head)
    assert git(repository, "rev-parse", "main") == head
    assert months(repository) == ["2013-01", "2013-02", "2013-03"]


def test_the_same_run_again_publishes_no_second_month(repository):
    first = publish(repository)

    assert publish(repository) == first
    assert months(repository) == ["2013-01", "2013-02"]


@pytest.mark.parametrize("last", STAGES)
def test_killed_after_any_stage_the_same_run_brings_it_to_its_end(repository, tmp_path, last):
    code = textwrap.dedent(f"""
        import os, pathlib, signal
        from components.publish import Publication
        attempt = Publication(repository={str(repository)!r}, branch="main",
            remote={str(tmp_path / "remote")!r}, dataset="data/flights", run="publishing-1",
            folder=pathlib.Path({str(tmp_path / "killed")!r}))
        for stage in attempt.stages():
            if stage == {last!r}:
                os.kill(os.getpid(), signal.SIGKILL)
    """)
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False
    )
    assert killed.returncode == -9
    before = git(repository, "rev-list", "--count", "main")
    assert before == ("2" if last == "pushed" else "1")

    done = publish(repository)

    assert done.month == "2013-02"
    assert git(repository, "rev-list", "--count", "main") == "2"
    assert months(repository) == ["2013-01", "2013-02"]


@pytest.mark.parametrize("last", STAGES[:-1])
def test_a_commit_that_was_pushed_meanwhile_is_never_lost(repository, tmp_path, last):
    stages = attempt(repository, tmp_path / "late").stages()
    for stage in stages:
        if stage == last:
            break
    project = tmp_path / "project"
    git(project, "commit", "-q", "--allow-empty", "-m", "Somebody else's")
    git(project, "push", "-q")

    with pytest.raises(MovedError):
        list(stages)
    done = publish(repository)

    assert done.month == "2013-02"
    log = git(repository, "log", "--format=%s", "main").splitlines()
    assert log == ["Publish 2013-02 [tiphys skip]", "Somebody else's", "The first month"]


def test_of_two_publishers_the_second_finds_its_month_done(repository, tmp_path):
    slow = attempt(repository, tmp_path / "slow", "publishing-slow")
    stages = slow.stages()
    assert [next(stages), next(stages)] == ["cloned", "made"]
    publish(repository, "publishing-quick")

    with pytest.raises(MovedError):
        list(stages)
    again = attempt(repository, tmp_path / "again", "publishing-slow")
    again.month = slow.month
    list(again.stages())

    assert again.result is not None
    assert again.result.month == ""
    assert months(repository) == ["2013-01", "2013-02"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_user_whom_the_system_does_not_know_commits_and_pushes(repository, tmp_path):
    code = textwrap.dedent(f"""
        import os, pathlib
        from tiphys.ml.data.repository import clone
        for user in (0, 54321):  # what is imported late must be read by root here
            os.setuid(user)
            folder = pathlib.Path({str(tmp_path / "open")!r}) / str(user)
            taken = clone({str(repository)!r}, "main", folder)
            (folder / "params.yaml").write_text(f"changed: {{user}}")
            commit = taken.commit(["params.yaml"], "As nobody")
        taken.push(commit)
    """)
    (tmp_path / "open").mkdir()
    for path in (tmp_path / "open", repository, *repository.rglob("*")):
        path.chmod(0o777)
    for parent in tmp_path.parents:  # pytest's own folders are root's alone
        if parent.is_relative_to(tempfile.gettempdir()) and parent != Path(tempfile.gettempdir()):
            parent.chmod(0o755)
    tmp_path.chmod(0o755)

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert git(repository, "log", "-1", "--format=%s", "main") == "As nobody"


@pytest.mark.usefixtures("repository")
def test_without_a_repository_the_checkout_says_where_it_came_from(tmp_path, monkeypatch):
    monkeypatch.setenv("TIPHYS_PROJECT", str(tmp_path / "project"))
    remote = str(tmp_path / "remote")

    assert component.publish(remote=remote, run="publishing-1").month == "2013-02"
    git(tmp_path / "project", "remote", "remove", "origin")
    with pytest.raises(UserError, match="no remote `origin`"):
        component.publish(remote=remote, run="publishing-2")


@pytest.mark.parametrize(
    ("url", "branch", "error", "message"),
    [
        ("{}/nothing.git", "main", UserError, "no git repository"),
        ("{}/origin.git", "mian", UserError, 'no branch "mian". Did you mean "main"'),
        ("git://127.0.0.1:1/origin.git", "main", Temporary, "does not answer"),
    ],
)
def test_a_repository_that_cannot_be_used_is_named(  # noqa: PLR0917 - four of them are one case
    repository, tmp_path, url, branch, error, message
):
    del repository
    with pytest.raises(error, match=message):
        component.publish(
            repository=url.format(tmp_path), branch=branch, remote=str(tmp_path), run="publishing-1"
        )


def test_what_a_failing_stage_said_is_told(repository, tmp_path):
    project = tmp_path / "project"
    broken = INGEST.replace("folder = Path", "sys.exit('no room')\nfolder = Path")
    (project / "components/ingest.py").write_text(broken)
    git(project, "commit", "-qam", "Break it")
    git(project, "push", "-q")

    with pytest.raises(UserError, match="failed to reproduce 'ingest'"):
        publish(repository)


@pytest.mark.parametrize(
    ("ending", "failure"),
    [
        ("raise SystemExit(75)", Temporary),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Temporary),
        ("raise SystemExit(1)", UserError),
    ],
)
@pytest.mark.parametrize("asked", ["newest", "month"])
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_source_that_is_not_ready_is_asked_again_later(  # noqa: PLR0917 - all are one case
    repository, monkeypatch, ending, failure, asked, shell
):
    monkeypatch.setenv("SHELL", shell)
    project = repository.parent / "project"
    words = f"import sys\nif (sys.argv[1:] == ['newest']) is {asked == 'newest'}:\n    {ending}\n"
    (project / "components/ingest.py").write_text(words + INGEST)
    git(project, "commit", "-qam", "A source that fails")
    git(project, "push", "-q", "origin", "main")

    with pytest.raises(failure, match="failed"):
        publish(repository)
