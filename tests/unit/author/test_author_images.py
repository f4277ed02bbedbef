"""Which images a profile lets in."""

import json
from pathlib import Path
from typing import Any

import pytest

from tiphys.author import images
from tiphys.manifest.profile import ArchiveSource, Image, Profile, Storage
from tiphys.recipe import Recipe

DIGEST = "sha256:" + "0" * 64


def profile(image: str, *registries: str, built: bool = True) -> Profile:
    return Profile(
        name="lab",
        folder=Path("manifests/lab"),
        namespace="ml",
        built=built,
        images={"step": Image(image=image, recipe=Recipe(lock=""))},
        tiers={},
        gang="pod",
        source=ArchiveSource(),
        storage=Storage(artifacts="a", registry="r", checkpoints="c", dvc="d"),
        registries=registries,
    )


OURS = f"registry.example/flights/step@{DIGEST}"
TASK = {"name": "a", "inline": {"container": {"image": "busybox"}}}


def gang(pod: Any) -> dict[str, Any]:
    told = json.dumps({"nodes": 2, "workflow": "{{workflow.name}}", "pod": pod})
    return {"container": {"image": OURS, "env": [{"name": "TIPHYS_GANG", "value": told}]}}


def made(manifest: str) -> dict[str, Any]:
    return {"resource": {"action": "create", "manifest": manifest}}


JOB = """
kind: Job
metadata: {{name: "{{{{workflow.name}}}}-{{{{inputs.parameters.n}}}}", labels: {{image: plain}}}}
spec: {{template: {{spec: {{containers: [{{name: main, image: "{image}"}}]}}}}}}
"""
THEIRS = {"name": "a", "image": "busybox"}
VOLUME = {"name": "a", "image": {"reference": "busybox"}}


def calling(**container: Any) -> list[dict[str, Any]]:
    template = {"name": "theirs", **container}
    return [{"metadata": {"name": "words"}, "spec": {"templates": [template]}}]


@pytest.mark.parametrize("image", ["registry.example/a/step", "localhost:5000/step:latest", "step"])
def test_an_image_that_may_change_is_refused(image):
    with pytest.raises(images.ImageError, match=r"images.yaml: step.*may be another one tomorrow"):
        images.check(profile(image), [])


@pytest.mark.parametrize("image", ["localhost:5000/step:1.2", f"registry.example/step@{DIGEST}"])
def test_without_an_allow_list_a_tag_or_a_digest_is_enough(image):
    images.check(profile(image), [])


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (f"elsewhere.example/flights/step@{DIGEST}", "not from a registry of this profile"),
        (f"registry.example/flights-evil/step@{DIGEST}", "not from a registry of this profile"),
        (f"step@{DIGEST}", "not from a registry of this profile"),
        ("registry.example/flights/step:1", "has a tag, which can be moved"),
    ],
)
def test_with_an_allow_list_only_its_registries_and_digests_pass(image, text):
    with pytest.raises(images.ImageError, match=text):
        images.check(profile(image, "registry.example/flights"), [])


def test_with_an_allow_list_a_digest_of_it_passes():
    allowed = ("docker.io/library", "registry.example/flights")
    image = f"registry.example/flights/step:1@{DIGEST}"
    images.check(profile(image, *allowed), calling(container={"image": f"busybox@{DIGEST}"}))


@pytest.mark.parametrize(
    "theirs",
    [
        {"container": {"image": "busybox"}},
        {"script": {"image": "busybox"}},
        {"initContainers": [{"name": "a", "image": "busybox"}]},
        {"sidecars": [{"name": "a", "image": "busybox"}]},
        {"containerSet": {"containers": [{"name": "a", "image": "busybox"}]}},
        {"dag": {"tasks": [TASK]}},
        {"steps": [[TASK]]},
        {"volumes": [VOLUME]},
        gang({"initContainers": [THEIRS]}),
        gang({"volumes": [VOLUME], "nodeSelector": {"image": "plain"}}),
        made(JOB.format(image="busybox")),
        made(f"kind: ConfigMap\n---{JOB.format(image='busybox')}"),
    ],
)
def test_a_template_that_is_not_ours_is_looked_at_too(theirs):
    said = r'words, template theirs(\.a)?: image "busybox" may be'
    with pytest.raises(images.ImageError, match=said):
        images.check(profile("registry.example/step:1"), calling(**theirs))


@pytest.mark.parametrize(
    "spec",
    [
        {"templateDefaults": {"container": {"image": "busybox"}}},
        {"workflowSpec": {"templates": [{"name": "a", "script": {"image": "busybox"}}]}},
        {"workflowSpec": {"templateDefaults": {"container": {"image": "busybox"}}}},
        {"volumes": [VOLUME]},
        {"workflowSpec": {"volumes": [VOLUME]}},
    ],
)
def test_an_image_is_found_wherever_a_document_may_name_one(spec):
    document = {"metadata": {"name": "words"}, "spec": spec}
    with pytest.raises(images.ImageError, match='image "busybox" may be'):
        images.check(profile("registry.example/step:1"), [document])


@pytest.mark.parametrize(
    "patch",
    [
        '{"containers":[{"name":"main","image":"x"}]}',
        r'{"containers":[{"name":"main","im\u0061ge":"x"}]}',
        "image: x",
        "containers: [{name: main, image: {{inputs.parameters.image}}}]",
    ],
)
@pytest.mark.parametrize("around", [{}, {"workflowSpec": {}}])
def test_a_patch_names_no_image(patch, around):
    with pytest.raises(images.ImageError, match="theirs: its podSpecPatch names an image"):
        images.check(profile("registry.example/step:1"), calling(podSpecPatch=patch))
    spec = {key: {"podSpecPatch": patch} for key in around} or {"podSpecPatch": patch}
    whole = [{"metadata": {"name": "words"}, "spec": spec}]
    with pytest.raises(images.ImageError, match="words: its podSpecPatch names an image"):
        images.check(profile("registry.example/step:1"), whole)


@pytest.mark.parametrize(
    "patch",
    [
        "{{inputs.parameters.patch}}",
        "priorityClassName: '{{=inputs.parameters.class}}'",
        "priorityClassName: '{{=retries + inputs.parameters.class}}'",
        """priorityClassName: '{{=retries + $env["inputs.parameters.class"]}}'""",
        """{"{{='im' + 'age'}}": "x"}""",
        "{{=(}}",
        "[",
    ],
)
def test_with_an_allow_list_a_patch_is_known_but_for_the_attempts_before(patch):
    images.check(profile("registry.example/step:1"), calling(podSpecPatch=patch))
    with pytest.raises(images.ImageError, match="theirs: its podSpecPatch is not known before"):
        images.check(profile(OURS, "registry.example"), calling(podSpecPatch=patch))


def test_with_an_allow_list_a_patch_may_read_the_attempts_before():
    decided = "{{=asInt(retries) >= 5 ? 'stays' : sprig.trim(lastRetry.message)}}{{retries}}"
    patch = json.dumps({"nodeSelector": {"pool": decided}})
    images.check(profile(OURS, "registry.example"), calling(podSpecPatch=patch))


@pytest.mark.parametrize(
    "theirs", [gang({"containers": [{"image": OURS}]}), made(JOB.format(image=OURS))]
)
def test_with_an_allow_list_its_images_pass_in_gangs_and_objects_too(theirs):
    images.check(profile(OURS, "registry.example"), calling(**theirs))


@pytest.mark.parametrize(
    "theirs",
    [
        made("{{inputs.parameters.manifest}}"),
        made("kind: Job\n---\n["),
        made(JOB.format(image="{{inputs.parameters.image}}")),
        {"resource": {"action": "create", "manifestFrom": {"artifact": {"name": "job"}}}},
        {"container": {"env": [{"name": "TIPHYS_GANG", "value": "{"}]}},
    ],
)
def test_with_an_allow_list_what_only_a_run_knows_is_refused_in_texts_too(theirs):
    images.check(profile("registry.example/step:1"), calling(**theirs))
    with pytest.raises(images.ImageError, match="is not known before a run"):
        images.check(profile(OURS, "registry.example"), calling(**theirs))


def test_a_laptop_has_no_images():
    images.check(profile("latest", built=False), calling(container={"image": "busybox"}))


def test_an_image_that_only_a_run_knows_passes_where_any_registry_would():
    image = "{{inputs.parameters.image}}"
    images.check(profile("registry.example/step:1"), calling(container={"image": image}))
    with pytest.raises(images.ImageError, match="is not known before a run"):
        images.check(profile(OURS, "registry.example/flights"), calling(container={"image": image}))
