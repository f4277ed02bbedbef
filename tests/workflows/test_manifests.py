"""The committed manifests are what workflows/ renders, and they run what they say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tiphys.author import render

ROOT = Path(__file__).parents[2]
BY_HAND = {"profile.yaml", "images.yaml"}


CLUSTERS = ("local", "ci", "production")


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request):
    return request.param


@pytest.fixture(scope="module")
def rendered(cluster):
    """Return what is rendered; images of a registry are built after the change of their lock."""
    try:
        return render.render(ROOT, [cluster])
    except render.StaleImageError as stale:
        images = (ROOT / "manifests" / cluster / "images.yaml").read_text()
        if "@sha256:" not in images:
            raise
        pytest.skip(f"CI builds its images after the merge: {stale}")


def documents() -> list[dict]:
    """Return every document in manifests/ but those written by hand."""
    paths = [path for path in ROOT.glob("manifests/*/*.yaml") if path.name not in BY_HAND]
    return [found for path in paths for found in yaml.safe_load_all(path.read_text())]


def templates(cluster: str) -> dict[str, dict]:
    """Return the templates of the training pipeline of *cluster*."""
    found = yaml.safe_load((ROOT / "manifests" / cluster / "training.yaml").read_text())
    return {template["name"]: template for template in found["spec"]["templates"]}


def test_committed_manifests_are_what_workflows_render(rendered):
    stale = [m.path for m in rendered if not m.path.exists() or m.path.read_text() != m.text]

    assert not stale, "run `make manifests`"


def test_nothing_in_manifests_is_left_over(cluster, rendered):
    there = {path for path in ROOT.glob(f"manifests/{cluster}/*") if path.name not in BY_HAND}

    assert there == {manifest.path for manifest in rendered}


def test_rendering_twice_gives_the_same_bytes(cluster, rendered):
    assert render.render(ROOT, [cluster]) == rendered


def test_every_cluster_is_looked_at():
    assert {path.parent.name for path in ROOT.glob("manifests/*/profile.yaml")} == {*CLUSTERS}


def test_every_function_in_a_manifest_is_there():
    commands = {
        tuple(template["container"]["command"])
        for found in documents()
        for template in found.get("spec", {}).get("templates", [])
        if "container" in template
    }
    entries = sorted(command[-1] for command in commands)
    code = "import importlib, sys\nfor e in sys.argv[1:]:\n m, f = e.split(':')\n "
    code += "assert callable(getattr(importlib.import_module(m), f)), e"

    done = subprocess.run([sys.executable, "-c", code, *entries], cwd=ROOT, check=False)

    assert done.returncode == 0
    assert {command[:3] for command in commands} == {("python", "-m", "tiphys.step")}
    assert len(entries) == 9


def test_in_production_training_has_a_gpu_its_node_and_retries_with_backoff():
    train = templates("production")["train"]

    assert train["container"]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert train["nodeSelector"]["nvidia.com/gpu.product"] == "NVIDIA-H100-80GB-HBM3"
    assert train["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert train["retryStrategy"]["limit"] == "5"
    assert train["retryStrategy"]["backoff"] == {"duration": "2s", "factor": "2", "cap": "60s"}


def test_in_production_the_last_try_of_training_is_on_a_node_that_stays():
    train = templates("production")["train"]

    assert train["nodeSelector"]["pool"] == "spot"
    chosen = json.loads(train["podSpecPatch"])["nodeSelector"]["pool"]
    assert chosen == "{{=asInt(retries) >= 5 ? 'on-demand' : 'spot'}}"


def test_training_has_time_to_save_when_it_is_told_to_go():
    found = templates("production")
    patches = {name: json.loads(one.get("podSpecPatch", "{}")) for name, one in found.items()}
    grace = {name: patch.get("terminationGracePeriodSeconds") for name, patch in patches.items()}
    assert {name for name, seconds in grace.items() if seconds} == {"train"}
    assert grace["train"] == 120


def test_every_step_asks_for_what_it_needs_and_says_how_it_is_retried(cluster):
    for name, template in templates(cluster).items():
        if "container" in template:
            assert {"cpu", "memory"} <= template["container"]["resources"]["requests"].keys(), name
            assert "limit" in template["retryStrategy"], name
            assert json.loads(template["annotations"]["tiphys.dev/retries"]), name
            assert template["activeDeadlineSeconds"] > 0, name


def test_a_model_is_deployed_once_and_only_if_it_passed():
    found = templates("production")
    deploy = next(task for task in found["main"]["dag"]["tasks"] if task["name"] == "deploy")

    assert deploy["when"].startswith("{{tasks.evaluate.outputs.parameters.passed}} == true")
    assert found["deploy"]["retryStrategy"] == {"limit": "0"}


@pytest.mark.parametrize("cluster", ["ci", "production"])
def test_a_step_is_the_same_on_every_cluster(cluster):
    def interface(template: dict) -> tuple:
        args = template.get("container", {}).get("args")
        return args, template.get("outputs"), template.get("retryStrategy")

    here, there = templates("local"), templates(cluster)

    assert {n: interface(t) for n, t in here.items()} == {n: interface(t) for n, t in there.items()}


def test_retraining_comes_every_month_and_never_twice_at_once():
    found = yaml.safe_load((ROOT / "manifests/production/retraining.yaml").read_text())["spec"]

    assert found["schedules"] == ["0 3 2 * *"]
    assert found["timezone"] == "America/New_York"
    assert found["concurrencyPolicy"] == "Forbid"
    assert found["workflowSpec"]["workflowTemplateRef"] == {"name": "training"}


def test_of_all_runs_one_at_a_time_publishes():
    template, cron = yaml.safe_load_all((ROOT / "manifests/production/publishing.yaml").read_text())
    publish = next(each for each in template["spec"]["templates"] if each["name"] == "publish")

    assert publish["synchronization"] == {"mutexes": [{"name": "publish-flights"}]}
    assert cron["spec"]["schedules"] == ["0 3 1 * *"]
