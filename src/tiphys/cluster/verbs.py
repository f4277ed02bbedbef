"""What can be asked of runs on a cluster: the same verbs that `runtime` offers here.

A run is the Workflow object that the server sends, unchanged, but for the latest metrics of each
node (`metrics.py`).
"""

from collections.abc import Iterator
from contextlib import suppress

from argo_workflows.api.workflow_service_api import WorkflowServiceApi
from argo_workflows.api.workflow_template_service_api import WorkflowTemplateServiceApi
from argo_workflows.api_client import Endpoint

from tiphys.cluster import crons
from tiphys.cluster.connection import (
    Connection,
    Object,
    ServerUnreachableError,
    ask,
    find,
    stream,
)
from tiphys.cluster.metrics import MetricTap
from tiphys.engine.status import ended
from tiphys.errors import UserError

QUIET_SECONDS = 2.0
ASK_AGAIN_SECONDS = 60.0
"""A stream that is silent for so long may be a connection that nobody holds any more."""
NEWEST = "@latest"
"""What Argo Server takes for the name of the newest run."""


class UnlistedRunsError(UserError):
    """Argo Server lists some runs, or none, and there are more."""

    def __init__(self, server: str) -> None:
        found = "Argo Server does not list all runs, as just after its start."
        super().__init__(server, found, "Try again in a minute.")


def list_runs(connection: Connection) -> list[Object]:
    """Return the runs of the namespace, the newest first, without their nodes."""
    endpoint = _api(connection).list_workflows_endpoint
    found = ask(connection, endpoint, connection.namespace).get("items") or []
    return sorted(found, key=lambda run: str(run["metadata"]["creationTimestamp"]), reverse=True)


def list_every_run(connection: Connection) -> list[Object]:
    """Return the runs for whoever deletes what none of them needs: all of them, or an error.

    Argo Server lists from a memory, and there is no other list. After its start the memory is empty
    until Kubernetes has told it the runs; until then the answer has no resourceVersion, even where
    the archive of runs fills it (server/workflow/workflow_server.go, ListWorkflows). It stays empty
    where the server looks after another namespace. So the newest run, for which the server asks
    Kubernetes each time, must be among those listed.

    Raises: UnlistedRunsError.
    """
    newest = look_for(connection, NEWEST)
    answer = ask(connection, _api(connection).list_workflows_endpoint, connection.namespace)
    found = list(answer.get("items") or ())
    names = {run["metadata"]["name"] for run in found}
    is_read = bool((answer.get("metadata") or {}).get("resourceVersion"))
    if not is_read or (newest and newest["metadata"]["name"] not in names):
        raise UnlistedRunsError(connection.server)
    return found


def get(connection: Connection, name: str) -> Object:
    """Return one run.

    Raises: ServerRefusedError: there is none of this name.
    """
    endpoint = _api(connection).get_workflow_endpoint
    return ask(connection, endpoint, connection.namespace, name)


def look_for(connection: Connection, name: str) -> Object | None:
    """Return one run, as Kubernetes or else Argo's archive has it; None if neither does."""
    endpoint = _api(connection).get_workflow_endpoint
    return find(connection, endpoint, connection.namespace, name)


def watch(connection: Connection, name: str) -> Iterator[Object]:
    """Yield the run whenever it changes, until it has ended; metrics come with it, live."""
    tap = MetricTap(connection, name)
    run = get(connection, name)
    yield tap.merged(run)
    while not ended(run):
        selector = f"metadata.name={name}"
        events = stream(
            connection,
            _api(connection).watch_workflows_endpoint,
            connection.namespace,
            list_options_field_selector=selector,
            quiet_seconds=ASK_AGAIN_SECONDS,
        )
        with suppress(ServerUnreachableError):  # it is silent too as long as nothing changes
            for event in events:
                run = event["object"]
                yield tap.merged(run)
                if ended(run):
                    break
        if not ended(run):
            run = get(connection, name)  # the server ended the stream, or the run is gone
    tap.close()
    yield tap.merged(run)


def list_sources(connection: Connection) -> list[Object]:
    """Return the WorkflowTemplates and CronWorkflows of the namespace: what runs are made from."""
    endpoint = WorkflowTemplateServiceApi(connection.client).list_workflow_templates_endpoint
    templates = ask(connection, endpoint, connection.namespace).get("items") or ()
    return [*templates, *crons.list_crons(connection)]


def warnings(connection: Connection) -> list[Object]:
    """Return the warnings about pods that the namespace has just now.

    Argo Server has no list of events; its stream begins with those there are.

    Raises: ServerRefusedError: the token may not watch events.
    """
    try:
        found = stream(
            connection,
            _api(connection).watch_events_endpoint,
            connection.namespace,
            quiet_seconds=QUIET_SECONDS,
            list_options_field_selector="type=Warning,involvedObject.kind=Pod",
        )
        return list(found)
    except ServerUnreachableError:
        return []  # it says nothing at all as long as there is no event


def stop(connection: Connection, name: str) -> Object:
    """Stop a run: its exit handler still runs."""
    return _put(connection, name, _api(connection).stop_workflow_endpoint)


def terminate(connection: Connection, name: str) -> Object:
    """End a run without its exit handler."""
    return _put(connection, name, _api(connection).terminate_workflow_endpoint)


def suspend(connection: Connection, name: str) -> Object:
    """Let nothing new begin in a run."""
    return _put(connection, name, _api(connection).suspend_workflow_endpoint)


def resume(connection: Connection, name: str) -> Object:
    """Let a run go on, and end the suspend steps that it waits in."""
    return _put(connection, name, _api(connection).resume_workflow_endpoint)


def fail_waits(connection: Connection, name: str, why: str) -> Object:
    """Fail every suspend step that a run waits in; one at least must wait.

    Argo Server sets nothing without a selector, and with any it sets suspend steps that run, only
    (workflow/util/util.go, updateSuspendedNode).
    """
    body = {"nodeFieldSelector": "phase=Running", "phase": "Failed", "message": why}
    return _put(connection, name, _api(connection).set_workflow_endpoint, **body)


def retry(connection: Connection, name: str) -> Object:
    """Run the failed steps of a run again; what succeeded stays."""
    return _put(connection, name, _api(connection).retry_workflow_endpoint)


def resubmit(connection: Connection, name: str) -> str:
    """Start a new run of the same manifest and parameters; return its name."""
    made = _put(connection, name, _api(connection).resubmit_workflow_endpoint)
    return str(made["metadata"]["name"])


def delete(connection: Connection, name: str) -> None:
    """Remove a run with its pods, whatever it does."""
    ask(connection, _api(connection).delete_workflow_endpoint, connection.namespace, name)


def _api(connection: Connection) -> WorkflowServiceApi:
    return WorkflowServiceApi(connection.client)


def _put(connection: Connection, name: str, endpoint: Endpoint, **fields: str) -> Object:
    body = {"name": name, "namespace": connection.namespace, **fields}
    return ask(connection, endpoint, connection.namespace, name, body=body)
