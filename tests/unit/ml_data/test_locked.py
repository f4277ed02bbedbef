import subprocess

import pytest

from tiphys.errors import UserError
from tiphys.ml.data import Pin, locked
from tiphys.ml.data.revision import Commit, Folder

LOCK = """
schema: '2.0'
stages:
  prepare:
    cmd: make it
    params: {params.yaml: {prepare: {first: 2013-01, last: 2013-03}}}
    outs:
    - {path: table, hash: md5, md5: 0123456789abcdef0123456789abcdef.dir, size: 90, nfiles: 3}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dvc.yaml").write_text("stages: {prepare: {cmd: make it, wdir: data}}")
    (tmp_path / "dvc.lock").write_text(LOCK)
    return tmp_path


def git(project, *arguments):
    command = ["git", "-C", str(project), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(project, message):
    git(project, "add", ".")
    name = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    git(project, *name, "commit", "-qm", message)
    return git(project, "rev-parse", "HEAD")


def test_a_pin_comes_from_the_lock_relative_to_the_stages_folder(project):
    found = locked.resolve(Folder(root=project, name="v1"), "data/table")
    assert found.pin == Pin(
        path="data/table",
        md5="0123456789abcdef0123456789abcdef.dir",
        size=90,
        nfiles=3,
        revision="v1",
    )


def test_the_parameters_of_the_stage_come_along(project):
    found = locked.resolve(Folder(root=project), "data/table")
    assert found.parameters == {"prepare.first": "2013-01", "prepare.last": "2013-03"}


def test_a_pin_is_read_at_any_revision_of_git(project):
    git(project, "init", "-q")
    first = commit(project, "first")
    (project / "dvc.lock").write_text(LOCK.replace("01234567", "ffffffff"))
    commit(project, "second")
    pins = [
        locked.resolve(Commit.find(project, name), "data/table").pin for name in ("HEAD~1", "HEAD")
    ]
    assert [pin.md5[:4] for pin in pins] == ["0123", "ffff"]
    assert pins[0].revision == first


def test_what_dvc_add_took_is_read_from_its_own_file(project):
    (project / "one.csv.dvc").write_text(
        "outs:\n- {md5: aa345678901234567890123456789012, size: 7, hash: md5, path: one.csv}\n"
    )
    pin = locked.resolve(Folder(root=project), "./one.csv").pin
    assert (pin.path, pin.nfiles, pin.is_directory) == ("one.csv", 1, False)


def test_a_lock_in_a_folder_above_the_path_is_found(project):
    inner = project / "team"
    inner.mkdir()
    for name in ("dvc.yaml", "dvc.lock"):
        (project / name).rename(inner / name)
    assert locked.resolve(Folder(root=project), "team/data/table").pin.size == 90


def test_an_unknown_path_offers_what_there_is(project):
    with pytest.raises(UserError, match='Did you mean "data/table"'):
        locked.resolve(Folder(root=project), "data/tablet")


def test_an_unknown_revision_is_named(project):
    git(project, "init", "-q")
    with pytest.raises(UserError, match='no revision "v9"'):
        Commit.find(project, "v9")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("hash: md5, ", ""), "DVC 2 wrote it"),
        (("hash: md5", "hash: md5, cloud: {s3: {etag: x}}"), "versions of a cloud bucket"),
        (("hash: md5", "hash: md5, cache: false"), "kept in git"),
        (("schema:", "schema: ["), "no YAML"),
    ],
)
def test_what_we_do_not_read_is_refused(project, change, message):
    (project / "dvc.lock").write_text(LOCK.replace(*change))
    with pytest.raises(UserError, match=message):
        locked.resolve(Folder(root=project), "data/table")


def test_a_checkout_is_called_by_its_commit_whatever_it_was_asked_for_as(project):
    git(project, "init", "-q", "-b", "main")
    first = commit(project, "first")
    assert Folder.of(project, "main").name == first
    git(project, "pack-refs", "--all")
    assert not (project / ".git/refs/heads/main").exists()
    assert Folder.of(project, "main").name == first
    (project / "dvc.lock").write_text(LOCK + "# changed")
    second = commit(project, "second")
    assert Folder.of(project, "main").name == second
    git(project, "checkout", "-q", "--detach", first)
    assert Folder.of(project, "main").name == first


@pytest.mark.parametrize("head", [None, "ref: refs/heads/main", "ref: refs/heads/.invalid", "x"])
def test_a_folder_without_a_commit_is_called_as_it_was_asked_for(project, head):
    if head:
        (project / ".git").mkdir()
        (project / ".git" / "HEAD").write_text(head)
    assert Folder.of(project, "v1").name == "v1"
