"""Least privilege on the real API server: what each account of `install.yaml` may not do."""

import pytest
import yaml
from checkout import OURS, ROOT
from harness.errors import HarnessError

from tiphys.ml.serving import kubernetes

pytestmark = pytest.mark.cluster

DOCUMENTS = list(yaml.safe_load_all((ROOT / "manifests/ci/install.yaml").read_text()))
ACCOUNTS = [each["metadata"]["name"] for each in DOCUMENTS if each["kind"] == "ServiceAccount"]

ANYTHING = """\
create deployments.apps
patch deployments.apps/serve-flights
create pods
create pods/exec
get secrets
get secrets/s3
get secrets/s3-data
create workflows.argoproj.io
create workflowtaskresults.argoproj.io
create jobsets.jobset.x-k8s.io
create serviceaccounts/token
create rolebindings.rbac.authorization.k8s.io"""
"""What a step might wish for; no step may do more of it than `ALLOWED` says."""

ALLOWED = {
    "tiphys-executor": """\
create workflowtaskresults.argoproj.io
patch workflowtaskresults.argoproj.io""",
    "tiphys-deploy": """\
create deployments.apps/serve-flights
patch deployments.apps/serve-flights
patch services/serve-flights""",
    "tiphys-train-gang": """\
create jobsets.jobset.x-k8s.io
get jobsets.jobset.x-k8s.io
delete jobsets.jobset.x-k8s.io
list pods
get pods/log""",
    "tiphys-submitter": """\
create workflows.argoproj.io
patch workflows.argoproj.io
delete workflows.argoproj.io
update workflowtemplates.argoproj.io
patch cronworkflows.argoproj.io
list workfloweventbindings.argoproj.io
delete pods
get pods/log
list events
list jobsets.jobset.x-k8s.io
delete jobsets.jobset.x-k8s.io
get secrets/s3""",
}

DENIED = {
    "tiphys-deploy": """\
patch deployments.apps/another
delete deployments.apps/serve-flights
list deployments.apps
list pods""",
    "tiphys-train-gang": """\
get pods
delete pods
watch jobsets.jobset.x-k8s.io
patch jobsets.jobset.x-k8s.io
patch deployments.apps
create jobs.batch""",
    "tiphys-submitter": """\
delete workflowtemplates.argoproj.io
patch deployments.apps
list secrets
list nodes""",
}


def server(model: str) -> str:
    """Return the Deployment with which deploy serves *model*."""
    made = kubernetes.Server(model=model, registry="s3://registry", image="busybox")
    return yaml.safe_dump(kubernetes.deployment(made))


def may(flights, account: str, question: str) -> bool:
    """Return the API server's answer, for *account*."""
    verb, _, resource = question.partition(" ")
    resource, _, subresource = resource.partition("/") if _is_sub(resource) else (resource, "", "")
    sub = [f"--subresource={subresource}"] if subresource else []
    user = f"--as=system:serviceaccount:{flights.namespace}:{account}"
    try:
        answer = flights.kubectl("auth", "can-i", verb, resource, *sub, user)
    except HarnessError as refused:
        answer = str(refused).partition("ended with 1:\n")[2]
    assert answer.startswith(("yes", "no")), f"{question}: {answer}"
    return answer.startswith("yes")


def _is_sub(resource: str) -> bool:
    return resource.rpartition("/")[2] in {"log", "exec", "token"}


def denials() -> list[tuple[str, str]]:
    """Return each account with each thing it may not do."""
    return [
        (account, question)
        for account in ACCOUNTS
        for question in [*ANYTHING.splitlines(), *DENIED.get(account, "").splitlines()]
        if question not in ALLOWED.get(account, "").splitlines()
    ]


def test_no_account_may_do_more_than_its_work(flights, tell):
    table = [(*row, may(flights, *row)) for row in denials()]
    tell(*(f"{name:24} {asked:44} {'ALLOWED' if yes else 'denied'}" for name, asked, yes in table))
    tell(f"{len(table)} denials")

    assert not [row for row in table if row[2]]


def test_each_account_may_do_its_work(flights):
    missing = [
        (account, question)
        for account, questions in ALLOWED.items()
        for question in questions.splitlines()
        if not may(flights, account, question)
    ]

    assert missing == []


def refused(flights, account: str, *words: str, stdin: str | None = None) -> bool:
    """Say whether the API server forbids it to a real token of *account*."""
    token = flights.kubectl("create", "token", account, "--duration=10m").strip()
    answer = ""
    try:
        flights.kubectl(f"--token={token}", *words, stdin=stdin)
    except HarnessError as error:
        answer = str(error).replace(token, "…")
    assert not answer or "forbidden" in answer.lower(), answer
    return bool(answer)


APPLY = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=false")


def test_with_its_own_token_train_can_touch_no_deployment(flights):
    assert refused(flights, "tiphys-train", *APPLY, "-f", "-", stdin=server("flights"))
    assert refused(flights, "tiphys-train", "delete", "deployment", "serve-flights")


def test_with_its_own_token_deploy_applies_its_own_server_and_no_other(flights):
    assert not refused(flights, "tiphys-deploy", *APPLY, "-f", "-", stdin=server("flights"))
    assert refused(flights, "tiphys-deploy", *APPLY, "-f", "-", stdin=server("another"))


def test_with_its_own_token_deploy_cannot_read_the_datas_secret(flights):
    assert refused(flights, "tiphys-deploy", "get", "secret", "s3-data")
    (deploy,) = (
        template
        for each in DOCUMENTS
        if each["kind"] == "WorkflowTemplate" and each["metadata"]["name"] == "training"
        for template in each["spec"]["templates"]
        if template["name"] == "deploy"
    )
    assert "s3-data" not in str(deploy)


def test_no_role_of_ours_has_a_wildcard(flights):
    roles = [each for each in DOCUMENTS if each["kind"] == "Role"]
    there = flights.get("roles", "-l", OURS)["items"]

    assert {each["metadata"]["name"] for each in roles} <= {
        each["metadata"]["name"] for each in there
    }
    for role in [*roles, *there]:
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], role
