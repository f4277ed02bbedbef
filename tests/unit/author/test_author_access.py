"""Rights: what a template declares, whose token its pod has, and the Roles made of that."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
import yaml

from tiphys.author import Pipeline, access, install, pod, template
from tiphys.author.access import Access, Rule
from tiphys.manifest.profile import ArchiveSource, Credentials, Image, Profile, Storage, Tier
from tiphys.recipe import Recipe

KEYS = Credentials(**dict.fromkeys(("secret", "access", "secret_key"), "s3"))
READS = Access(name="reads", rules=(Rule(group="", resource="pods", verbs=("get",)),))


def work(*, size: int = 2) -> None:
    """Work."""


@pytest.fixture
def profile(tmp_path):
    return Profile(
        name="lab",
        folder=tmp_path,
        namespace="ml",
        built=True,
        images={"step": Image(image="registry.example/step:1", recipe=Recipe(lock=""))},
        tiers={name: Tier(name=name) for name in ("one", "cpu-small")}
        | {"two": Tier(name="two", nodes=2)},
        gang="jobset",
        source=ArchiveSource(),
        storage=Storage(artifacts="s3://a", registry="s3://r", checkpoints="s3://c", dvc="s3://d"),
        credentials=KEYS,
    )


def document(profile: Profile, name: str = "lab", **options: Any) -> dict[str, Any]:
    """Return a pipeline that calls `work` once."""
    pipeline = Pipeline(name=name, profile=profile, title="Lab", owner="us")
    options = {"tier": "one", "timeout": timedelta(minutes=1)} | options
    with pipeline.dag():
        template(work, **options).step()
    return pipeline.template().to_dict()


def leaf(found: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in found["spec"]["templates"] if each["name"] == "work")


def roles(profile: Profile, *documents: dict[str, Any]) -> dict[str, list[Any]]:
    """Return each account to the rules that are bound to it."""
    made = [each.to_dict() for each in install.resources(profile, documents)]
    rules = {each["metadata"]["name"]: each["rules"] for each in made if each["kind"] == "Role"}
    accounts = [each["metadata"]["name"] for each in made if each["kind"] == "ServiceAccount"]
    bound = {
        each["subjects"][0]["name"]: each["roleRef"]["name"]
        for each in made
        if each["kind"] == "RoleBinding"
    }
    return {name: rules[bound[name]] if name in bound else [] for name in accounts}


def test_a_step_has_an_account_of_its_own_without_token_and_without_rights(profile):
    made = document(profile)

    assert leaf(made)["serviceAccountName"] == "tiphys-work"
    assert "automountServiceAccountToken" not in leaf(made)
    assert made["spec"]["automountServiceAccountToken"] is False
    assert roles(profile, made)["tiphys-work"] == []


def test_argos_own_containers_report_with_an_account_that_no_step_has(profile):
    made = document(profile)

    assert made["spec"]["executor"] == {"serviceAccountName": pod.EXECUTOR}
    assert roles(profile, made)[pod.EXECUTOR] == [
        {
            "apiGroups": ["argoproj.io"],
            "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        }
    ]


def test_what_a_template_declares_is_its_role_and_it_gets_a_token(profile):
    made = document(profile, access=access.serving("serve-lab"))

    assert leaf(made)["automountServiceAccountToken"] is True
    rules = roles(profile, made)["tiphys-work"]
    assert {tuple(rule["resources"]) for rule in rules} == {("deployments",), ("services",)}
    assert all(rule["resourceNames"] == ["serve-lab"] for rule in rules)
    annotation = leaf(made)["metadata"]["annotations"][access.ANNOTATION]
    assert json.loads(annotation) == rules


def test_a_launcher_on_several_nodes_gets_the_gangs_rights_under_an_account_of_its_own(profile):
    alone, launcher = document(profile), document(profile, "wide", tier="two", gang="size")

    assert leaf(launcher)["serviceAccountName"] == "tiphys-work-gang"
    found = roles(profile, alone, launcher)
    assert found["tiphys-work"] == []
    assert {rule["resources"][0] for rule in found["tiphys-work-gang"]} == {
        "jobsets",
        "pods",
        "pods/log",
    }


def test_a_launcher_keeps_what_it_declared_itself(profile):
    made = document(profile, tier="two", gang="size", access=READS)

    assert leaf(made)["serviceAccountName"] == "tiphys-work-reads-gang"
    assert len(roles(profile, made)["tiphys-work-reads-gang"]) == 4


def test_two_pipelines_that_disagree_on_one_account_are_refused(profile):
    documents = [document(profile), document(profile, "other", access=READS)]

    with pytest.raises(install.DisagreementError, match='different rights for "tiphys-work"'):
        install.resources(profile, documents)


def test_a_laptop_has_no_accounts(profile):
    made = document(dataclasses.replace(profile, built=False))

    assert "serviceAccountName" not in leaf(made)
    assert "executor" not in made["spec"]


def test_the_submitter_reads_the_one_secret_that_argo_server_reads_artifacts_with(profile):
    secrets = [
        rule
        for rule in roles(profile, document(profile))["tiphys-submitter"]
        if rule["resources"] == ["secrets"]
    ]

    assert secrets == [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["s3"]}
    ]


def test_a_wildcard_cannot_be_written():
    with pytest.raises(ValueError, match="no wildcards"):
        Rule(group="", resource="*", verbs=("get",))


def test_a_container_may_write_to_its_volumes_only(profile):
    found = leaf(document(profile))

    assert found["container"]["securityContext"]["readOnlyRootFilesystem"] is True
    mounted = {each["name"]: each["mountPath"] for each in found["container"]["volumeMounts"]}
    assert mounted == {"tmp": "/tmp", "out": "/tiphys/out"}  # noqa: S108 -- a volume
    assert found["volumes"] == [{"name": name, "emptyDir": {}} for name in mounted]


def test_everything_that_is_installed_has_the_labels_by_which_it_is_found(profile):
    made = document(profile)
    texts = [each.to_dict() for each in install.resources(profile, [made])]

    for each in [*texts, made]:
        assert each["metadata"]["namespace"] == "ml"
        assert pod.LABELS.items() <= each["metadata"]["labels"].items()
    assert "tiphys-executor.service-account-token" in yaml.safe_dump_all(texts)
