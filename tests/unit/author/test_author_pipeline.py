"""What holds for every run of a pipeline: its own words, and above them the cluster's."""

from dataclasses import replace
from pathlib import Path

import pytest

from tiphys.author import Pipeline
from tiphys.author.faults import AuthoringError
from tiphys.author.render import load_profile
from tiphys.errors import UserError

ROOT = Path(__file__).parents[3]


def rendered(**spec):
    profile = replace(load_profile(ROOT, "local"), spec=spec)
    return (
        Pipeline(name="lab", profile=profile, title="Lab", owner="us").template().to_dict()["spec"]
    )


def test_a_run_ends_and_goes_as_the_pipeline_says():
    spec = rendered()

    assert spec["activeDeadlineSeconds"] == 24 * 3600
    assert spec["ttlStrategy"] == {"secondsAfterCompletion": 30 * 24 * 3600}
    assert spec["podGC"] == {"strategy": "OnWorkflowCompletion"}


def test_what_the_cluster_says_counts():
    pods, workflow = {"strategy": "OnPodSuccess"}, {"secondsAfterSuccess": 60}
    spec = rendered(podGC=pods, ttlStrategy=workflow, imagePullSecrets=[{"name": "registry"}])

    assert (spec["podGC"], spec["ttlStrategy"]) == (pods, workflow)
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["activeDeadlineSeconds"] == 24 * 3600


def test_a_field_of_the_wrong_type_is_told_with_its_name():
    with pytest.raises(UserError, match=r"profile.yaml: spec.priority is 'high'\. Input should be"):
        rendered(priority="high")


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"podGC": {"stratgy": "OnPodSuccess"}}, r"spec\.podGC\.stratgy"),
        (
            {"tolerations": [{"key": "a"}, {"opertor": "Exists"}]},
            r"spec\.tolerations\[1\]\.opertor",
        ),
    ],
)
def test_a_misspelt_field_is_not_dropped_in_silence(spec, path):
    with pytest.raises(UserError, match=f"profile.yaml: {path} is no field that Argo knows"):
        rendered(**spec)


@pytest.mark.parametrize("name", ["name", "created", "status", "failures"])
def test_a_parameter_may_not_hide_what_a_run_says_of_itself(name):
    profile = load_profile(ROOT, "local")

    with pytest.raises(AuthoringError, match=f'the parameter "{name}" would hide'):
        Pipeline(name="lab", profile=profile, title="Lab", owner="us", parameters={name: "x"})
