"""A step on several nodes: what its own pod is, and what it tells of its gang's."""

import json
from pathlib import Path
from typing import Annotated

import pytest

from tiphys.author import Pipeline, retries, template
from tiphys.author.faults import AuthoringError
from tiphys.manifest.profile import (
    ArchiveSource,
    Credentials,
    Image,
    Placement,
    Profile,
    Storage,
    Tier,
)
from tiphys.recipe import Recipe
from tiphys.step import Output

CPU = Tier(name="cpu-small", requests={"cpu": "1"}, limits={"memory": "1Gi"})
GANG = Tier(
    name="many",
    requests={"cpu": "8"},
    limits={"nvidia.com/gpu": "8", "memory": "64Gi"},
    node_selector={"pool": "spot"},
    tolerations=({"key": "gpu", "operator": "Exists"},),
    on_demand=Placement(node_selector={"pool": "on-demand"}, tolerations=()),
    nodes=2,
    capacity=16,
    pod={"priorityClassName": "urgent"},
)

KEYS = {"secret": "s3", "access": "key", "secret_key": "secret"}


def train(*, remote: str, workers: int = 2, model: Annotated[Path, Output()]) -> None:
    """Train."""


def profile(**changes):
    given = {
        "name": "here",
        "folder": Path("manifests/here"),
        "namespace": "ml",
        "built": True,
        "images": {
            role: Image(image=f"registry.example/{role}@sha256:1", recipe=Recipe(lock="0"))
            for role in ("step", "train")
        },
        "tiers": {"cpu-small": CPU, "many": GANG},
        "gang": "jobset",
        "source": ArchiveSource(),
        "storage": Storage(
            artifacts="s3://a", registry="s3://r", checkpoints="s3://c", dvc="s3://d"
        ),
        "cache": "data-cache",
        "credentials": Credentials(**KEYS),
    }
    return Profile(**given | changes)


def rendered(changes=None, *, remote="s3://d", workers=2, **options):
    given = {"tier": "many", "role": "train", "gang": "workers"} | options
    pipeline = Pipeline(
        name="p", profile=profile(**changes or {}), title="P", owner="o", parameters={}
    )
    with pipeline.dag():
        template(train, **given).step(remote=remote, workers=workers)
    found = pipeline.template().to_dict()["spec"]["templates"]
    return next(one for one in found if one["name"] == "train")


def variables(step):
    return {one["name"]: one for one in step["container"]["env"]}


def told(step):
    return json.loads(variables(step)["TIPHYS_GANG"]["value"])


def test_the_launcher_is_a_small_pod_without_devices():
    step = rendered()
    assert step["container"]["image"] == "registry.example/step@sha256:1"
    assert step["container"]["resources"]["limits"] == {"memory": "1Gi"}
    assert not step.keys() & {"nodeSelector", "tolerations", "podSpecPatch", "priorityClassName"}
    assert step["metadata"]["annotations"]["tiphys.dev/tier"] == "many"


def test_the_tiers_placement_goes_to_the_gang():
    gang = told(rendered(retry=[retries.TEMPORARY]))
    assert gang["nodes"] == 2
    assert gang["pod"]["nodeSelector"] == {"pool": "spot"}
    assert gang["pod"]["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert gang["pod"]["priorityClassName"] == "urgent"
    (container,) = gang["pod"]["containers"]
    assert container["image"] == "registry.example/train@sha256:1"
    assert container["resources"] == {
        "requests": {"cpu": "8", "memory": "64Gi"},
        "limits": {"nvidia.com/gpu": "8", "memory": "64Gi"},
    }


def test_what_a_retry_changes_it_changes_of_the_gang():
    policies = [retries.PREEMPTED, retries.OUT_OF_MEMORY, retries.BAD_DEVICE]
    step = rendered(retry=policies)
    gang = told(step)["pod"]
    (container,) = gang["containers"]
    assert container["resources"]["limits"] == {
        "nvidia.com/gpu": "8",
        "memory": "{{=(min(asInt(retries), 1) + 1) * 64}}Gi",
    }
    assert "asInt(retries) >= 5 ? 'on-demand' : 'spot'" in gang["nodeSelector"]["pool"]
    assert "bad device on node" in json.dumps(gang["affinity"])
    assert "TIPHYS_NODE" in {one["name"] for one in container["env"]}
    assert "TIPHYS_NODE" not in variables(step)  # a bad device is not on the launcher's node


def test_no_tag_is_made_by_chance():
    """Braces of JSON that stand together would be a tag for Argo."""
    text = variables(rendered(retry=[retries.TEMPORARY]))["TIPHYS_GANG"]["value"]
    assert text.count("{{") == text.count("{{workflow.")


def test_the_gangs_pods_are_as_restricted_as_any():
    gang = told(rendered())["pod"]
    (container,) = gang["containers"]
    assert container["securityContext"] == rendered()["container"]["securityContext"]
    assert gang["securityContext"]["runAsNonRoot"]
    assert gang["automountServiceAccountToken"] is False
    assert "tmp" in {mount["name"] for mount in container["volumeMounts"]}


def test_the_gang_has_keys_and_cache_and_its_launcher_no_cache():
    step = rendered()
    (container,) = told(step)["pod"]["containers"]
    names = {one["name"] for one in container["env"]}
    assert {"AWS_ACCESS_KEY_ID", "TIPHYS_CACHE", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"} <= names
    assert "TIPHYS_CACHE" not in variables(step)
    volumes = told(step)["pod"]["volumes"]
    assert {"name": "tiphys-cache", "persistentVolumeClaim": {"claimName": "data-cache"}} in volumes


def test_the_launcher_knows_its_own_pod_and_node():
    found = variables(rendered())
    assert found["POD_UID"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.uid"
    path = found["TIPHYS_WORKFLOW_NODE"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert path == "metadata.annotations['workflows.argoproj.io/node-name']"


def test_the_launcher_may_make_jobsets_and_read_pods_and_nothing_else():
    rules = json.loads(rendered()["metadata"]["annotations"]["tiphys.dev/access"])
    assert [rule["resources"] for rule in rules] == [["jobsets"], ["pods"], ["pods/log"]]


@pytest.mark.parametrize(
    ("remote", "caches"), [("s3://d", True), ("s3://d/x", True), ("s3://dd", False)]
)
def test_a_step_that_is_given_data_gets_the_nodes_cache(remote, caches):
    one_node = {"tiers": {"many": Tier(name="many", requests={"cpu": "1"})}}
    step = rendered(one_node, remote=remote)
    mounts = [one["name"] for one in step["container"]["volumeMounts"]]
    assert ("tiphys-cache" in mounts) is caches
    assert ("TIPHYS_CACHE" in variables(step)) is caches


def test_without_a_cache_in_the_profile_there_is_none():
    assert "cache" not in json.dumps(rendered({"cache": ""}))


def test_several_nodes_without_jobset_are_refused():
    with pytest.raises(
        AuthoringError, match=r'tier "many" of 2 nodes.*`gang: jobset` in manifests'
    ):
        rendered({"gang": "pod"})


def test_several_nodes_for_a_step_that_is_no_gang_are_refused():
    with pytest.raises(AuthoringError, match="but is no gang"):
        rendered(gang=None)


def test_workers_that_the_nodes_cannot_share_are_refused():
    with pytest.raises(AuthoringError, match="has 3 workers, which the 2 nodes"):
        rendered(workers=3)


def test_a_gang_larger_than_the_tier_is_refused():
    small = {"tiers": {"cpu-small": CPU, "many": Tier(name="many", nodes=3, capacity=2)}}
    with pytest.raises(AuthoringError, match="a gang of 3 with one device each needs 3"):
        rendered(small, workers=3)
