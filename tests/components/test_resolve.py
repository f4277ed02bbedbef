import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components import resolve as component
from tiphys import recipe
from tiphys.errors import UserError
from tiphys.recipe import Recipe
from tiphys.step import WrongInput

ROOT = Path(__file__).parents[2]
WHO = ("-c", "user.name=x", "-c", "user.email=x@example.com")
LOCK = """
stages:
  ingest:
    params: {params.yaml: {ingest: {first: 2013-01, last: 2013-06}}}
    outs:
    - {path: data/flights, hash: md5, md5: 0123456789abcdef0123456789abcdef.dir, size: 9, nfiles: 6}
"""


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "source"
    for name in ("components", "workflows", "src", ".git", "components/__pycache__"):
        (source / name).mkdir(parents=True)
        (source / name / "file.py").touch()
    (source / "dvc.lock").write_text(LOCK)
    (source / "README.md").touch()
    return source


def resolve(source, **arguments):
    return component.resolve(source=source, revision="v1", code=source.parent / "code", **arguments)


def with_locks(source):
    """Return the tags of the images of *source*, one of them side-loaded: its library is newest."""
    (source / "requirements").mkdir()
    for role in ("step", "train"):
        (source / "requirements" / f"{role}.lock").write_text(f"{role}==1\n")
    step = Recipe(lock=recipe.lock_of(source, "step"))
    return {"step": step.tag, "train": recipe.of(source, "train").tag}


@pytest.mark.parametrize("changed", ["requirements/train.lock", "src/file.py"])
def test_code_that_is_newer_than_an_image_is_not_run_in_it(source, changed):
    images = with_locks(source)
    resolve(source, images=images)
    (source / changed).write_text("changed")

    with pytest.raises(WrongInput, match=r'The image of "train" is of \w+-\w+, and v1 asks for '):
        resolve(source, images=images)


def test_an_archive_comes_with_the_manifests_and_has_no_locks(source):
    assert resolve(source, images={"step": "ac3c9351d679"}).holdout == "2013-06"


def test_the_newest_month_is_judged_and_those_before_it_are_trained_on(source):
    found = resolve(source)
    assert (found.months, found.holdout) == (["2013-03", "2013-04", "2013-05"], "2013-06")
    assert (found.dataset.revision, found.dataset.nfiles) == ("v1", 6)


def test_a_checkout_of_a_branch_is_resolved_to_its_commit(source):
    (source / ".git/HEAD").write_text(f"{'c' * 40}\n")
    found = resolve(source)
    assert (found.revision, found.dataset.revision) == ("c" * 40, "c" * 40)


def test_without_a_commit_the_order_is_that_of_the_runs(source):
    found = resolve(source, created="2026-01-31T06:05:04Z")
    assert found.order == "2026-01-31T06:05:04Z"


def test_the_order_of_a_checkout_is_the_time_of_its_commit(source):
    shutil.rmtree(source / ".git")
    when = {"GIT_COMMITTER_DATE": "2026-02-01T01:00:00+0100"}
    for words in (["init", "-q"], ["add", "-A"], [*WHO, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=source, env={**os.environ, **when}, check=True)
    found = resolve(source, created="2026-03-01T00:00:00Z")
    assert found.order == "2026-02-01T00:00:00Z"


def test_a_month_and_a_window_can_be_chosen(source):
    found = resolve(source, holdout="2013-03", window=2)
    assert found.months == ["2013-01", "2013-02"]


def test_the_code_is_components_and_what_they_read(source):
    resolve(source)
    code = source.parent / "code"
    files = {path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file()}
    assert files == {"components/file.py", "dvc.lock"}


def test_the_hash_of_the_code_is_that_of_its_content(source):
    first = resolve(source).code_hash
    shutil.rmtree(source.parent / "code")
    (source / "README.md").write_text("another text")
    assert resolve(source).code_hash == first
    (source / "components/file.py").write_text("x = 1")
    assert resolve(source).code_hash != first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"holdout": "2014-01"}, 'no month "2014-01": they run from 2013-01 to 2013-06'),
        ({"window": 6}, "5 months before 2013-06, and 6 are asked for"),
        ({"window": 0}, "0 are asked for"),
        ({"dataset": "data/flight"}, 'Did you mean "data/flights"'),
    ],
)
def test_what_the_data_do_not_have_is_refused(source, arguments, message):
    with pytest.raises(UserError, match=message):
        resolve(source, **arguments)


def test_a_lock_without_the_months_says_what_to_do(source):
    (source / "dvc.lock").write_text(LOCK.replace("first", "start"))
    with pytest.raises(UserError, match="Run `dvc repro`"):
        resolve(source)


def test_the_committed_lock_has_a_year(tmp_path):
    found = component.resolve(source=ROOT, revision="v1", code=tmp_path, window=11)
    assert (found.holdout, found.dataset.nfiles) == ("2013-12", 12)
    assert json.loads(json.dumps(found.months))[0] == "2013-01"
