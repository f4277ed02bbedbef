"""CronWorkflows of a namespace, through Argo Server."""

from http import HTTPStatus

from argo_workflows.api.cron_workflow_service_api import CronWorkflowServiceApi

from tiphys.cluster.connection import Connection, Object, ServerRefusedError, ask
from tiphys.errors import UnknownNameError


def list_crons(connection: Connection) -> list[Object]:
    """Return the CronWorkflows of the namespace, by name."""
    endpoint = CronWorkflowServiceApi(connection.client).list_cron_workflows_endpoint
    found = ask(connection, endpoint, connection.namespace).get("items") or []
    return sorted(found, key=lambda cron: str(cron["metadata"]["name"]))


def suspend(connection: Connection, name: str) -> Object:
    """Let it start nothing; what runs goes on.

    Raises: UnknownNameError: there is none of this name.
    """
    return _set(connection, name, "suspend")


def resume(connection: Connection, name: str) -> Object:
    """Let it start runs again; a start that was missed is made up for within its deadline.

    Raises: UnknownNameError: there is none of this name.
    """
    return _set(connection, name, "resume")


def _set(connection: Connection, name: str, verb: str) -> Object:
    api = CronWorkflowServiceApi(connection.client)
    endpoint = getattr(api, f"{verb}_cron_workflow_endpoint")
    body = {"name": name, "namespace": connection.namespace}
    try:
        return ask(connection, endpoint, connection.namespace, name, body=body)
    except ServerRefusedError as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        known = [cron["metadata"]["name"] for cron in list_crons(connection)]
        where = f"{connection.server}, namespace {connection.namespace}"
        raise UnknownNameError(where, "CronWorkflow", name, known) from None
