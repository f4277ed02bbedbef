from pathlib import Path

import pytest

from tiphys.author import install
from tiphys.cluster import inspection
from tiphys.manifest import profiles

FOLDER = Path(__file__).parents[3] / "manifests"


@pytest.fixture(scope="module")
def given():
    """What the Role of the submitter gives, as it is rendered."""
    made = [one.to_dict() for one in install.resources(profiles.load(FOLDER / "ci"), [])]
    (role,) = (
        one for one in made if (one["kind"], one["metadata"]["name"]) == ("Role", install.SUBMITTER)
    )
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("right", [*inspection.NEEDED, *inspection.GANGS])
def test_the_submitter_is_given_every_right_that_is_asked_for(given, right):
    assert right[:3] in given


def test_no_right_is_asked_for_twice():
    rights = [right[:3] for right in (*inspection.NEEDED, *inspection.GANGS)]
    assert len(rights) == len(set(rights))


def test_to_suspend_a_schedule_is_to_patch_it():
    """Argo Server patches it without a look: server/cronworkflow/cron_workflow_server.go."""
    assert ("argoproj.io", "cronworkflows", "patch") in {one[:3] for one in inspection.NEEDED}
