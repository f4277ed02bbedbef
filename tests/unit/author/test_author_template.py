"""A step as a template: what its tier, role, options and profile make of it."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from tiphys.author import Pipeline, retries, template
from tiphys.author.faults import AuthoringError
from tiphys.errors import UnknownNameError
from tiphys.expression import Environment, Scope, substitute
from tiphys.manifest.profile import (
    ArchiveSource,
    Credentials,
    GitSource,
    Image,
    Placement,
    Profile,
    Storage,
    Tier,
)
from tiphys.recipe import Recipe
from tiphys.step import Output

GPU = Tier(
    name="gpu",
    requests={"cpu": "8"},
    limits={"amd.com/gpu": "2", "memory": "64Gi"},
    node_selector={"accelerator": "mi300"},
    tolerations=({"key": "gpu", "operator": "Exists"},),
    capacity=16,
    pod={"priorityClassName": "urgent", "runtimeClassName": "kata"},
)
KEYS = {"secret": "s3", "access": "key", "secret_key": "secret"}
CREDENTIALS = Credentials(**KEYS, endpoint="http://s3:7070")
CPU = Tier(name="cpu", requests={"cpu": "1"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    loss: float


def train(
    *,
    data: Path,
    old: Path | None,
    root: str = "none",
    mode: Literal["fast", "good"] = "fast",
    workers: int = 2,
    model: Annotated[Path, Output()],
    report: Annotated[Path, Output(view="html")],
) -> Trained:
    """Train a model.

    On whatever
    data there is.

    Args:
        data: the data
    """
    raise NotImplementedError


def build(*, source: Path, code: Annotated[Path, Output()]) -> None:
    """Build the code."""


def make(profile: Profile, **options: Any) -> Pipeline:
    pipeline = Pipeline(name="lab", profile=profile, title="Lab", owner="us")
    options = {"tier": "gpu", "role": "train"} | options
    root = options.pop("root", "none")
    with pipeline.dag() as run:
        template(train, **options).step(data=run.source, root=root)
    return pipeline


def rendered(profile: Profile, **options: Any) -> dict[str, Any]:
    """Return the template of `train` as it stands in the YAML."""
    spec = make(profile, **options).template().to_dict()["spec"]
    return next(found for found in spec["templates"] if found["name"] == "train")


@pytest.fixture
def profile(tmp_path):
    return Profile(
        name="lab",
        folder=tmp_path,
        namespace="ml",
        built=True,
        images={"train": Image(image="registry.example/train@sha256:1", recipe=Recipe(lock=""))},
        tiers={"gpu": GPU, "cpu": CPU},
        gang="pod",
        source=ArchiveSource(),
        storage=Storage(artifacts="s3://a", registry="s3://r", checkpoints="s3://c", dvc="s3://d"),
        credentials=CREDENTIALS,
        spec={"serviceAccountName": "training", "securityContext": {"fsGroup": 5}},
    )


def environment(found: dict[str, Any]) -> dict[str, Any]:
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in found["container"]["env"]}


def test_a_template_says_what_it_is_and_which_function_it_runs(profile):
    assert rendered(profile)["metadata"]["annotations"] == {
        "tiphys.dev/function": f"{__name__}:train",
        "tiphys.dev/owner": "us",
        "tiphys.dev/tier": "gpu",
    }


def test_the_command_names_every_argument_and_every_output(profile):
    container = rendered(profile)["container"]

    assert container["command"] == ["python", "-m", "tiphys.step", f"{__name__}:train"]
    assert container["args"] == [
        "--data=/tiphys/code",
        "--old=/tiphys/in/old",
        "--root={{inputs.parameters.root}}",
        "--mode={{inputs.parameters.mode}}",
        "--workers={{inputs.parameters.workers}}",
        "--model=/tiphys/out/model",
        "--report=/tiphys/out/report.html",
        "--returns.loss=/tiphys/out/loss",
        "--returns.metrics=/tiphys/out/metrics",
    ]


def test_an_output_with_a_view_is_stored_as_the_file_it_is(profile):
    assert rendered(profile)["outputs"]["artifacts"] == [
        {"name": "model", "path": "/tiphys/out/model"},
        {"name": "report", "path": "/tiphys/out/report.html", "archive": {"none": {}}},
    ]


def test_defaults_of_the_function_are_defaults_of_the_template(profile):
    inputs = rendered(profile)["inputs"]

    assert {one["name"]: one["default"] for one in inputs["parameters"]} == {
        "root": "none",
        "mode": "fast",
        "workers": "2",
    }
    old = {"name": "old", "path": "/tiphys/in/old", "mode": 0o755, "optional": True}
    assert old in inputs["artifacts"]


def test_metrics_come_first_with_a_default_so_that_a_failed_or_skipped_step_has_some(profile):
    metrics = rendered(profile)["outputs"]["parameters"][0]

    assert metrics == {
        "name": "metrics",
        "valueFrom": {"path": "/tiphys/out/metrics", "default": "{}"},
    }


def test_the_tier_says_what_the_pod_asks_for_and_where_it_goes(profile):
    found = rendered(profile)

    assert found["container"]["resources"] == {
        "requests": {"cpu": "8", "memory": "64Gi"},
        "limits": {"amd.com/gpu": "2", "memory": "64Gi"},
    }
    assert found["nodeSelector"] == {"accelerator": "mi300"}
    assert found["tolerations"] == [{"key": "gpu", "operator": "Exists"}]


def test_a_pod_field_that_argo_does_not_have_goes_into_the_patch(profile):
    found = rendered(profile)

    assert found["priorityClassName"] == "urgent"
    assert json.loads(found["podSpecPatch"]) == {"runtimeClassName": "kata"}


def patch_of_attempt(patch: str, number: int, message: str = "") -> dict[str, Any]:
    """Return *patch* as Argo fills it in for an attempt, counted from 0."""
    names = {"retries": str(number), "lastRetry.message": message}
    environment = Environment(now=datetime(2013, 1, 1, tzinfo=UTC), seed=0)
    return json.loads(substitute(patch, Scope(names, environment), strict=True))


def test_more_memory_means_a_higher_limit_and_the_same_request(profile):
    patch = rendered(profile, retry=[retries.PREEMPTED, retries.OUT_OF_MEMORY])["podSpecPatch"]

    grown = [patch_of_attempt(patch, n)["containers"][0]["resources"] for n in (0, 1, 2)]
    assert grown == [{"limits": {"memory": f"{gib}Gi"}} for gib in (64, 128, 128)]


def test_the_last_attempt_on_nodes_that_may_be_taken_away_goes_to_others(profile):
    stays = Placement(
        node_selector={"pool": "on-demand"},
        tolerations=({"key": "gpu", "operator": "Exists"}, {"key": "dear", "operator": "Exists"}),
    )
    selector = {"pool": "spot", "accelerator": "mi300"}
    tier = dataclasses.replace(GPU, node_selector=selector, on_demand=stays, pod={})
    profile = dataclasses.replace(profile, tiers={"gpu": tier})

    found = rendered(profile, retry=[dataclasses.replace(retries.PREEMPTED, attempts=2)])

    patches = [patch_of_attempt(found["podSpecPatch"], n)["nodeSelector"] for n in (0, 1, 2)]
    assert patches == [{"pool": "spot"}, {"pool": "spot"}, {"pool": "on-demand"}]
    assert found["nodeSelector"] == selector
    assert [one["key"] for one in found["tolerations"]] == ["gpu", "dear"]


def test_after_a_bad_device_the_next_attempt_keeps_off_its_node_and_only_off_that(profile):
    own = {"key": "zone", "operator": "In", "values": ["a"]}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    affinity = {
        "podAffinity": {},
        "nodeAffinity": {required: {"nodeSelectorTerms": [{"matchExpressions": [own]}]}},
    }
    tier = dataclasses.replace(GPU, pod={"affinity": affinity})
    profile = dataclasses.replace(profile, tiers={"gpu": tier})
    found = rendered(profile, retry=[retries.BAD_DEVICE])

    first = patch_of_attempt(found["podSpecPatch"], 0)["affinity"]
    said = "main: Error (exit code 76): bad device on node gpu-a.x: CUDA error: ECC"
    second = patch_of_attempt(found["podSpecPatch"], 1, said)["affinity"]

    avoided = [
        one["nodeAffinity"][required]["nodeSelectorTerms"][0]["matchExpressions"]
        for one in (first, second)
    ]
    name = {"key": "kubernetes.io/hostname", "operator": "NotIn"}
    assert avoided == [[own, {**name, "values": [""]}], [own, {**name, "values": ["gpu-a.x"]}]]
    assert second["podAffinity"] == {}
    assert {"name": "TIPHYS_NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}} in (
        found["container"]["env"]
    )


@pytest.mark.parametrize(
    ("tier", "message"),
    [
        (CPU, "cpu: has no memory limit, so a retry cannot have more of it."),
        (dataclasses.replace(CPU, limits={"memory": "1.5Gi"}), "memory 1.5Gi, no whole number"),
    ],
    ids=["none", "fraction"],
)
def test_memory_that_cannot_grow_is_refused(profile, tier, message):
    profile = dataclasses.replace(profile, tiers={"cpu": tier})

    with pytest.raises(AuthoringError, match=message):
        rendered(profile, tier="cpu", retry=[retries.OUT_OF_MEMORY])


def test_an_unknown_tier_is_refused_with_those_there_are(profile):
    with pytest.raises(UnknownNameError, match=r'no tier "gpu-8".*Did you mean "gpu"'):
        rendered(profile, tier="gpu-8")


def test_only_a_step_that_gets_a_storage_url_gets_its_keys(profile):
    without, with_keys = (environment(rendered(profile, root=r)) for r in ("none", "s3://r/x"))

    assert not [name for name in without if name.startswith("AWS_")]
    assert with_keys["AWS_ENDPOINT_URL"] == "http://s3:7070"
    assert with_keys["AWS_ALLOW_HTTP"] == "true"
    assert with_keys["AWS_ACCESS_KEY_ID"] == {"secretKeyRef": {"name": "s3", "key": "key"}}
    assert with_keys["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "s3", "key": "secret"}}


def test_no_library_calls_home_and_no_gang_meets_another(profile):
    alone, gang = (environment(rendered(profile, **o)) for o in ({}, {"gang": "workers"}))

    assert (alone["DO_NOT_TRACK"], alone["ORT_DISABLE_TELEMETRY"]) == ("1", "1")
    assert "TORCH_DISABLE_SHARE_RDZV_TCP_STORE" not in alone
    assert gang["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] == "1"


def test_the_timeout_does_not_count_the_wait_for_a_node(profile):
    found = rendered(profile, timeout=timedelta(hours=4))

    assert found["activeDeadlineSeconds"] == 14400
    assert "timeout" not in found


def test_code_comes_from_the_uploaded_archive_or_from_git(profile):
    git = dataclasses.replace(profile, source=GitSource(git="https://git.example.com/f.git"))

    archived, cloned = (rendered(p)["inputs"]["artifacts"][-1] for p in (profile, git))

    assert archived == {
        "name": "data",
        "path": "/tiphys/code",
        "s3": {"key": "code/{{workflow.parameters.code}}.tgz"},
    }
    assert cloned["git"] == {
        "repo": "https://git.example.com/f.git",
        "revision": "{{workflow.parameters.revision}}",
    }


def test_the_run_says_which_code_it_is_of_by_parameters(profile):
    spec = make(profile).template().to_dict()["spec"]

    given = {one["name"]: one["value"] for one in spec["arguments"]["parameters"]}
    assert given == {"revision": "main", "code": "latest"}


def test_nothing_stays_in_the_cluster_for_ever_and_nothing_runs_for_ever(profile):
    spec = make(profile).template().to_dict()["spec"]

    assert spec["ttlStrategy"] == {"secondsAfterCompletion": 30 * 86400}
    assert spec["podGC"] == {"strategy": "OnWorkflowCompletion"}
    assert spec["activeDeadlineSeconds"] == 86400


def test_the_profile_adds_its_own_fields_to_the_spec(profile):
    spec = make(profile).template().to_dict()["spec"]

    assert spec["serviceAccountName"] == "training"
    assert spec["securityContext"] == {
        "fsGroup": 5,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_a_schedule_has_a_time_zone_and_never_runs_twice_at_once(profile):
    cron = make(profile).cron("monthly", schedules=["0 3 1 * *"], timezone="Europe/Athens")

    assert cron.to_dict()["spec"] == {
        "schedules": ["0 3 1 * *"],
        "timezone": "Europe/Athens",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 21600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "workflowSpec": {"workflowTemplateRef": {"name": "lab"}},
    }


def test_a_schedule_may_set_parameters_that_the_pipeline_has(profile):
    cron = make(profile).cron("nightly", schedules=["@daily"], parameters={"revision": "dev"})

    (given,) = cron.to_dict()["spec"]["workflowSpec"]["arguments"]["parameters"]
    assert (given["name"], given["value"]) == ("revision", "dev")
    with pytest.raises(AuthoringError, match='lab: has no parameter "revison"'):
        make(profile).cron("nightly", schedules=["@daily"], parameters={"revison": "dev"})


def test_one_template_cannot_get_its_code_in_two_ways(profile):
    pipeline = Pipeline(name="lab", profile=profile, title="Lab", owner="us")
    training = template(train, tier="gpu", role="train")
    with pipeline.dag() as run:
        built = template(build, tier="cpu", role="train").step(source=run.source)
        training.step(data=built.code)
        run.code = built.code
        training.named("again").step(data=built.code)

    with pytest.raises(AuthoringError, match=r"train: gets its code in two ways\. Set `run\.code`"):
        pipeline.template()


def test_two_templates_of_one_name_are_refused(profile):
    pipeline = Pipeline(name="lab", profile=profile, title="Lab", owner="us")
    with pipeline.dag() as run:
        template(train, tier="gpu", role="train").step(data=run.source)
        template(train, tier="cpu", role="train").named("again").step(data=run.source)

    with pytest.raises(AuthoringError, match="train: is the name of two templates"):
        pipeline.template()


def after(*, after: str) -> None:
    """Take a reserved name."""


def doubled(*, loss: Annotated[Path, Output()]) -> Trained:
    """Call two things the same."""
    raise NotImplementedError


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (after, {}, 'has an argument "after", as `.step` has. Rename it.'),
        (doubled, {}, 'has an artifact and a returned field "loss". Rename one.'),
        (train, {"gang": "worker"}, 'has no argument "worker". Did you mean "workers"?'),
        (train, {"gang": "mode"}, 'has a gang of size "mode", which is no int.'),
    ],
    ids=["reserved", "doubled", "nobody", "no number"],
)
def test_a_template_that_contradicts_its_function_is_refused(function, options, message):
    with pytest.raises(AuthoringError) as caught:
        template(function, tier="small", **options)

    assert message in str(caught.value)
