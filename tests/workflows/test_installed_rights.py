"""What `install.yaml` gives away, read off the committed files."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CLUSTERS = ["ci", "production"]


def installed(cluster: str) -> list[dict]:
    text = (ROOT / "manifests" / cluster / "install.yaml").read_text()
    return list(yaml.safe_load_all(text))


def rules(cluster: str) -> list[tuple[str, dict]]:
    return [
        (each["metadata"]["name"], rule)
        for each in installed(cluster)
        if each["kind"] == "Role"
        for rule in each["rules"]
    ]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_nothing_has_a_wildcard_and_nothing_reaches_beyond_the_namespace(cluster):
    for _, rule in rules(cluster):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
    assert not [each for each in installed(cluster) if each["kind"].startswith("Cluster")]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_one_secret_is_read_by_one_account(cluster):
    readers = [(name, rule) for name, rule in rules(cluster) if "secrets" in rule["resources"]]

    assert [(name, rule["resourceNames"], rule["verbs"]) for name, rule in readers] == [
        ("tiphys-submitter", ["s3"], ["get"])
    ]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_account_of_a_template_is_installed_and_every_other_manifest_too(cluster):
    documents = installed(cluster)
    accounts = {each["metadata"]["name"] for each in documents if each["kind"] == "ServiceAccount"}
    named = {
        template["serviceAccountName"]
        for each in documents
        for template in each.get("spec", {}).get("templates", [])
        if "container" in template
    }
    assert named < accounts
    folder = ROOT / "manifests" / cluster
    others = {"install.yaml", "profile.yaml", "images.yaml"}
    for path in folder.glob("*.yaml"):
        if path.name not in others:
            for document in yaml.safe_load_all(path.read_text()):
                assert document in documents, path


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_container_is_what_pod_security_restricted_asks_for(cluster):
    containers = [
        template["container"]
        for each in installed(cluster)
        for template in each.get("spec", {}).get("templates", [])
        if "container" in template
    ]
    assert containers
    for container in containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def test_a_step_holds_no_key_that_it_has_no_use_for():
    held = {
        template["name"]: {
            entry["valueFrom"]["secretKeyRef"]["name"]
            for entry in template["container"]["env"]
            if "secretKeyRef" in entry.get("valueFrom", {})
        }
        for each in installed("production")
        if each["kind"] == "WorkflowTemplate" and each["metadata"]["name"] == "training"
        for template in each["spec"]["templates"]
        if "container" in template
    }

    assert held["fetch"] == {"s3-data"}
    assert held["train"] == {"s3", "s3-data"}
    assert held["deploy"] == held["evaluate"] == held["record"] == {"s3"}
    assert held["validate"] == held["export"] == set()
