"""Who a step is for the project's repository: only one that is given its URL gets its password."""

import dataclasses
from pathlib import Path

import pytest

from tiphys.author import Pipeline, template
from tiphys.author.render import load_profile
from tiphys.manifest.profile import GitSource

ROOT = Path(__file__).parents[3]
URL = "https://git.example.com/ml/flights.git"


def push(*, repository: str) -> None:
    """Push."""


@pytest.fixture
def profile():
    source = GitSource(git=URL, secret="git")  # noqa: S106 - a name
    return dataclasses.replace(load_profile(ROOT, "local"), source=source)


def rendered(profile, repository, **options):
    pipeline = Pipeline(name="p", profile=profile, title="P", owner="us")
    with pipeline.dag():
        template(push, tier="cpu-small", **options).step(repository=repository)
    return pipeline.template().to_dict()["spec"]["templates"][-1]


def names(found):
    return {one["name"]: one for one in found["container"]["env"]}


def test_a_step_that_pushes_gets_the_repositorys_secret(profile):
    found = names(rendered(profile, URL))

    reference = {"secretKeyRef": {"name": "git", "key": "password"}}
    assert found["GIT_PASSWORD"]["valueFrom"] == reference
    assert "GIT_USERNAME" in found


def test_no_other_step_gets_it(profile):
    assert not {"GIT_USERNAME", "GIT_PASSWORD"} & set(names(rendered(profile, "elsewhere")))


def test_argo_fetches_the_code_with_the_same_secret(profile):
    git = rendered(profile, URL)["inputs"]["artifacts"][-1]["git"]

    assert git["usernameSecret"] == {"name": "git", "key": "username"}
    assert git["passwordSecret"] == {"name": "git", "key": "password"}


def test_a_mutex_is_argos_and_is_there_only_where_it_is_asked_for(profile):
    assert rendered(profile, URL, mutex="one")["synchronization"] == {"mutexes": [{"name": "one"}]}
    assert "synchronization" not in rendered(profile, URL)
