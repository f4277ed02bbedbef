"""What a cluster says of itself: version, rights, objects, clock."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from argo_workflows.api.cron_workflow_service_api import CronWorkflowServiceApi
from argo_workflows.api.info_service_api import InfoServiceApi
from argo_workflows.api.workflow_template_service_api import WorkflowTemplateServiceApi

from tiphys.cluster import api as kubernetes
from tiphys.cluster.api import Api, Object
from tiphys.cluster.connection import Connection, ask, date, find

NEEDED = (
    ("argoproj.io", "workflows", "create", "`tiphys run`"),
    ("argoproj.io", "workflows", "get", "`tiphys get`"),
    ("argoproj.io", "workflows", "list", "`tiphys list`"),
    ("argoproj.io", "workflows", "watch", "`tiphys watch`"),
    ("argoproj.io", "workflows", "update", "`tiphys suspend` and `retry`"),
    ("argoproj.io", "workflows", "patch", "`tiphys stop` and `terminate`"),
    ("argoproj.io", "workflows", "delete", "`tiphys delete`"),
    ("argoproj.io", "workflowtemplates", "get", "`tiphys run`"),
    ("argoproj.io", "workflowtemplates", "list", "`tiphys prune`"),
    ("argoproj.io", "workflowtemplates", "create", "`tiphys run`"),
    ("argoproj.io", "workflowtemplates", "update", "`tiphys run`"),
    ("argoproj.io", "cronworkflows", "list", "`tiphys cron`"),
    ("argoproj.io", "cronworkflows", "patch", "`tiphys cron suspend` and `resume`"),
    ("", "pods", "list", "`tiphys why`"),
    ("", "pods", "watch", "`tiphys logs`"),
    ("", "pods", "delete", "`tiphys retry`"),
    ("", "pods/log", "get", "`tiphys logs`"),
    ("", "events", "list", "`tiphys why`"),
    ("", "events", "watch", "`tiphys why`"),
)
"""(group, resource, verb, which command needs it) of whoever holds the token: what Argo Server asks
Kubernetes for with it. The Role tiphys-submitter gives all of it."""

GANGS = (
    ("jobset.x-k8s.io", "jobsets", "list", "`tiphys prune`"),
    ("jobset.x-k8s.io", "jobsets", "delete", "`tiphys prune`"),
)
CRDS = ("workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults")
"""The kinds of Argo Workflows that every run, schedule and report of a step is made of."""

BINDINGS = "workfloweventbindings"
"""The kind that a push needs besides."""

_KINDS = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "WorkflowEventBinding": "/apis/argoproj.io/v1alpha1/namespaces/{}/workfloweventbindings",
}


def version(connection: Connection) -> str:
    """Return Argo's version.

    Raises: ServerUnreachableError, ServerRefusedError.
    """
    endpoint = InfoServiceApi(connection.client).get_version_endpoint
    return str(ask(connection, endpoint).get("version", "?"))


def account(connection: Connection) -> str:
    """Return as whom the token is known; "" where the server does not say.

    Raises: ServerRefusedError: it is known as nobody.
    """
    endpoint = InfoServiceApi(connection.client).get_user_info_endpoint
    return str(ask(connection, endpoint).get("subject", ""))


def managed(connection: Connection) -> str:
    """Return the one namespace that this Argo is for; "" for all."""
    endpoint = InfoServiceApi(connection.client).get_info_endpoint
    return str(ask(connection, endpoint).get("managedNamespace", ""))


def ahead(connection: Connection, now: datetime) -> timedelta | None:
    """Return how far the server's clock is ahead; None where it does not say."""
    said = date(connection)
    return None if said is None else parsedate_to_datetime(said) - now


def template(connection: Connection, document: Object) -> Object | None:
    """Return the installed WorkflowTemplate or CronWorkflow of this name; None if there is none."""
    name = document["metadata"]["name"]
    endpoint = (
        WorkflowTemplateServiceApi(connection.client).get_workflow_template_endpoint
        if document["kind"] == "WorkflowTemplate"
        else CronWorkflowServiceApi(connection.client).get_cron_workflow_endpoint
    )
    return find(connection, endpoint, connection.namespace, name)


def readable(kind: str) -> bool:
    """Whether objects of this kind are read from the Kubernetes API."""
    return kind in _KINDS


def installed(api: Api, document: Object) -> Object | None:
    """Return the installed object of a kind that `readable` names; None if there is none.

    Raises: ApiError.
    """
    folder = _KINDS[document["kind"]].format(api.namespace)
    return kubernetes.find(api, f"{folder}/{document['metadata']['name']}")


def kinds(api: Api, group: str) -> frozenset[str]:
    """Return the resources that the API has in *group*, as `argoproj.io/v1alpha1`."""
    listed = kubernetes.find(api, f"/apis/{group}") or {}
    return frozenset(str(one["name"]) for one in listed.get("resources") or ())


def rights(api: Api, *, gangs: bool) -> Iterator[tuple[tuple[str, str, str], str, bool]]:
    """Yield each right that the verbs need, which command needs it, and whether *api* has it.

    Raises: ApiError.
    """
    for group, resource, verb, command in (*NEEDED, *(GANGS if gangs else ())):
        name, _, part = resource.partition("/")
        wanted = {"group": group, "resource": name, "subresource": part, "verb": verb}
        spec = {"resourceAttributes": {**wanted, "namespace": api.namespace}}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = kubernetes.ask(api, path, body={**review, "spec": spec})
        yield (group, resource, verb), command, bool(answer["status"].get("allowed"))
