"""From a manifest to a run on a cluster: templates are applied, then a Workflow is created.

Everything is sent as it stands in the YAML: the server gets the same fields that a plain
`kubectl apply` and `argo submit` would send.
"""

from collections.abc import Mapping
from typing import Any

from argo_workflows.api.cron_workflow_service_api import CronWorkflowServiceApi
from argo_workflows.api.workflow_service_api import WorkflowServiceApi
from argo_workflows.api.workflow_template_service_api import WorkflowTemplateServiceApi

from tiphys.cluster import drift
from tiphys.cluster.connection import Connection, Object, ask, find
from tiphys.errors import UserError

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""What kubectl notes for its next `apply`, which must find it again."""


class UnsupportedKindError(UserError):
    """A document that is not ours to apply."""

    def __init__(self, where: str, kind: str) -> None:
        super().__init__(where, f"`kind: {kind}` is not applied.", "Use `kubectl apply -f` for it.")


def apply(connection: Connection, document: Mapping[str, Any]) -> None:
    """Create a WorkflowTemplate or CronWorkflow, or replace the one of the same name.

    One that says the same already stays untouched.
    """
    match document["kind"]:
        case "WorkflowTemplate":
            templates = WorkflowTemplateServiceApi(connection.client)
            calls = (
                templates.get_workflow_template_endpoint,
                templates.create_workflow_template_endpoint,
                templates.update_workflow_template_endpoint,
            )
            _put(connection, document, "template", calls)
        case "CronWorkflow":
            crons = CronWorkflowServiceApi(connection.client)
            calls = (
                crons.get_cron_workflow_endpoint,
                crons.create_cron_workflow_endpoint,
                crons.update_cron_workflow_endpoint,
            )
            _put(connection, document, "cronWorkflow", calls)
        case kind:
            raise UnsupportedKindError(str(document["metadata"].get("name", "-")), kind)


def _put(
    connection: Connection, document: Mapping[str, Any], field: str, calls: tuple[Any, Any, Any]
) -> None:
    get, create, update = calls
    namespace, name = connection.namespace, document["metadata"]["name"]
    old = find(connection, get, namespace, name)
    if old is None:
        ask(connection, create, namespace, body={"namespace": namespace, field: dict(document)})
        return
    if drift.is_there(old, document):
        return
    metadata = {**document["metadata"], "resourceVersion": old["metadata"]["resourceVersion"]}
    if APPLIED in (noted := old["metadata"].get("annotations") or {}):
        own = metadata.get("annotations") or {}
        metadata["annotations"] = {**own, APPLIED: noted[APPLIED]}
    body = {"namespace": namespace, "name": name, field: {**document, "metadata": metadata}}
    ask(connection, update, namespace, name, body=body)


def submit(
    connection: Connection, workflow: Mapping[str, Any], parameters: Mapping[str, str]
) -> str:
    """Create *workflow*, a whole Workflow object, and return the name it got."""
    made = with_parameters(workflow, parameters)
    made["metadata"] = {**made["metadata"]}
    made["metadata"].pop("namespace", None)  # the profile says where
    api = WorkflowServiceApi(connection.client)
    body = {"namespace": connection.namespace, "workflow": made}
    answer = ask(connection, api.create_workflow_endpoint, connection.namespace, body=body)
    return str(answer["metadata"]["name"])


def with_parameters(workflow: Mapping[str, Any], parameters: Mapping[str, str]) -> Object:
    """Return *workflow* with *parameters* in place of its own of the same name, as `-p` does."""
    arguments = workflow["spec"].get("arguments") or {}
    kept = [p for p in arguments.get("parameters") or () if p["name"] not in parameters]
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    spec = {**workflow["spec"], "arguments": {**arguments, "parameters": kept + given}}
    return {**workflow, "spec": spec}
