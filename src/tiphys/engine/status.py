"""The Workflow object of a run, as `kubectl get workflow -o json` prints it."""

from collections.abc import Mapping
from datetime import datetime

from tiphys import manifest as manifests
from tiphys.engine import tree
from tiphys.engine.node import ArtifactLocation, Node, NodeOutputs, NodeType, Phase
from tiphys.engine.state import Shutdown, State
from tiphys.engine.variables import rfc3339
from tiphys.manifest.model import Json

LABELS = "workflows.argoproj.io"


ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR})


def ended(workflow: Mapping[str, Json]) -> bool:
    """Return whether a Workflow object's run is over, exit handler included."""
    return (workflow.get("status") or {}).get("phase") in ENDED


def suspended(workflow: Mapping[str, Json]) -> bool:
    """Return whether a Workflow object's run is held by the user, or by a step that waits."""
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    return bool(workflow["spec"].get("suspend")) or any(
        node["type"] == "Suspend" and node.get("phase") == "Running" for node in nodes.values()
    )


def held(workflow: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """Return the suspend steps of a Workflow object that wait for time, or for `resume`."""
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    return [one for one in nodes.values() if one["type"] == "Suspend" and one["phase"] == "Running"]


def nodes(workflow: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    """Return the nodes of a Workflow object by their identifiers, as they have ended.

    Argo ends a DAG as soon as its run is stopped. A Retry node in it whose attempt still ran, and
    what is around that node, say Running for ever; they failed (rule 49).
    """
    found: dict[str, Mapping[str, Json]] = (workflow.get("status") or {}).get("nodes") or {}
    down = workflow["spec"].get("shutdown")
    if not down or not ended(workflow):
        return found
    failed = {"phase": Phase.FAILED.value}
    retried = failed | {"message": Shutdown(down).message}
    return {
        identity: {**node, **(retried if node["type"] == "Retry" else failed)}
        if node.get("phase") == "Running"
        else node
        for identity, node in found.items()
    }


def status(state: State) -> dict[str, Json]:
    """Return the Workflow object; what is below a node in it is shared between calls."""
    progress = _sums(state)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": _metadata(state),
        "spec": _spec(state),
        "status": _without_empty(
            {
                "phase": state.phase.value,
                "message": state.message,
                "startedAt": rfc3339(state.started_at),
                "finishedAt": _time(state.finished_at),
                "progress": progress[None],
                "nodes": {node.id: _node(state, node, progress) for node in state.nodes.values()},
                "storedTemplates": _stored_templates(state),
                "storedWorkflowTemplateSpec": _stored_spec(state),
                "outputs": _workflow_outputs(state),
            }
        ),
    }


def _metadata(state: State) -> dict[str, Json]:
    workflow, done = state.workflow, state.finished_at is not None
    labels = {
        **state.labels,
        f"{LABELS}/completed": "true" if done else "false",
        f"{LABELS}/phase": state.phase.value,
    }
    return _without_empty(
        {
            "name": state.begun.name,
            "generateName": workflow.generate_name,
            "namespace": workflow.namespace or "default",
            "uid": state.begun.uid,
            "creationTimestamp": rfc3339(state.begun.at),
            "labels": labels,
            "annotations": dict(state.annotations),
        }
    )


def _spec(state: State) -> Mapping[str, Json]:
    """Return the spec as written, and what the user has done to the run since, as Argo notes it."""
    written = state.workflow.raw.get("spec", {})
    done: dict[str, Json] = {"suspend": True} if state.suspended else {}
    if state.shutdown is not None:
        done["shutdown"] = state.shutdown.value
    return {**written, **done} if done else written


def _stored_spec(state: State) -> dict[str, Json]:
    """Return the spec that a run by reference has, its own fields over those referred to."""
    reference = state.workflow.spec.workflow_template_ref
    if reference is None:
        return {}
    own = dict(state.workflow.raw.get("spec", {}))
    own.pop("workflowTemplateRef", None)
    return {**manifests.referenced(state.manifest.library, reference).raw.get("spec", {}), **own}


def _stored_templates(state: State) -> dict[str, Json]:
    """Return the templates that nodes were made from by `templateRef` (rule 62)."""
    references = {node.template_ref for node in state.nodes.values() if node.template_ref}
    found = {}
    for one in references:
        spec = manifests.referenced(state.manifest.library, one).raw.get("spec", {})
        for template in spec.get("templates") or ():
            if template["name"] == one.template:
                scope = "cluster" if one.cluster_scope else "namespaced"
                found[f"{scope}/{one.name}/{one.template}"] = template
    return dict(sorted(found.items()))


def _node(state: State, node: Node, progress: Mapping[str | None, str]) -> dict[str, Json]:
    known = state.shown.get(node.id)
    if known is None or known[0] is not node:
        known = (node, _described(node))
        state.shown[node.id] = known
    links = {
        "progress": progress.get(node.id),
        "children": [one for one in tree.children(state, node.id) if one in state.nodes],
        "outboundNodes": list(state.outbound.get(node.id, ())),
    }
    return {**known[1], **_without_empty(links)}


def _described(node: Node) -> dict[str, Json]:
    """Return what a node itself says, without edges and sums."""
    ref = node.template_ref
    flags = {"hooked": node.hooked or None, "retried": node.retried or None}
    usage = node.usage
    return _without_empty(
        {
            "id": node.id,
            "name": node.name,
            "displayName": node.display_name,
            "type": node.type.value,
            "templateName": node.template_name,
            "templateRef": ref
            and {
                "name": ref.name,
                "template": ref.template,
                **({"clusterScope": True} if ref.cluster_scope else {}),
            },
            "templateScope": node.template_scope,
            "phase": node.phase.value,
            "boundaryID": node.boundary,
            "message": node.message,
            "nodeFlag": _without_empty(flags),
            "startedAt": _time(node.started_at),
            "finishedAt": _time(node.finished_at),
            "inputs": _inputs(node),
            "outputs": _outputs(node.outputs),
            "hostNodeName": node.host,
            "metrics": dict(node.metrics),
            "usage": usage
            and {"peakMemoryBytes": usage.peak_memory_bytes, "cpuSeconds": usage.cpu_seconds},
        }
    )


def _inputs(node: Node) -> dict[str, Json]:
    return _without_empty(
        {
            "parameters": [{"name": name, "value": value} for name, value in node.inputs.items()],
            "artifacts": [_artifact(name, one) for name, one in node.input_artifacts.items()],
        }
    )


def _outputs(outputs: NodeOutputs) -> dict[str, Json]:
    code = outputs.exit_code
    return {
        **_without_empty(
            {
                "parameters": [
                    {"name": name, "value": value} for name, value in outputs.parameters.items()
                ],
                "artifacts": [_artifact(name, one) for name, one in outputs.artifacts.items()],
                "exitCode": None if code is None else str(code),
            }
        ),
        **({} if outputs.result is None else {"result": outputs.result}),
    }


def _artifact(name: str, location: ArtifactLocation) -> dict[str, Json]:
    place = {"s3": {"key": location.key}} if location.key is not None else location.fields or {}
    return {"name": name, **place}


def _workflow_outputs(state: State) -> dict[str, Json]:
    return _outputs(NodeOutputs(parameters=state.outputs, artifacts=state.output_artifacts))


def _sums(state: State) -> dict[str | None, str]:
    """Return the progress of every node that has pods in it; that of the run is under None."""
    done: dict[str | None, list[int]] = {}
    for node in reversed(state.nodes.values()):
        own = done.get(node.id, [0, 0])
        if node.type is NodeType.POD:
            own = done[node.id] = _fraction(node)
        owner = state.owners[node.id]
        total = done.setdefault(owner, [0, 0])
        total[0] += own[0]
        total[1] += own[1]
    done.setdefault(None, [0, 0])
    return {node_id: f"{part}/{whole}" for node_id, (part, whole) in done.items()}


def _fraction(node: Node) -> list[int]:
    """Return how far a pod is: as it says itself, 0 or 1 of 1 if it does not."""
    part, _, whole = node.progress.partition("/")
    known = [int(part), int(whole)] if part.isdigit() and whole.isdigit() else [0, 1]
    return [known[1], known[1]] if node.phase is Phase.SUCCEEDED else known


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _without_empty(fields: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in fields.items() if value not in (None, "", {}, [])}
