"""Pods: an attempt from its start to its outputs (rules 23, 24, 34 to 38)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from tiphys.engine import artifacts, deadlines, inputs, naming, outputs, rewrite, tree, variables
from tiphys.engine.actions import Kill, StartAttempt
from tiphys.engine.events import Exited, Interrupted, Lost, Progressed, Started
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import ArtifactLocation, NodeOutputs, NodeType, Phase
from tiphys.engine.state import Bound, DagFrame, PodFrame, Site, State, StepsFrame
from tiphys.manifest.model import Template

RESULT = re.compile(
    r"(?:steps|tasks)(?:\.(?P<plain>[a-zA-Z0-9_-]+)|\['(?P<quoted>[a-zA-Z0-9_-]+)'\])\.outputs\.result"
)
SUFFIXES = re.compile(r"(?:\([^()]*\)|\[[^\[\]]*\])+$")


def start(state: State, site: Site, bound: Bound, cut_off: datetime | None) -> None:
    """Make the pod's node and have it started, unless the run is ending."""
    node = tree.add(state, site, NodeType.POD, Phase.PENDING)
    tree.receive(state, node.id, bound)
    if down := state.ending(site):
        tree.finish(state, node.id, Phase.FAILED, f"{deadlines.SHUT_DOWN}: {down}")
        return
    if state.expired and not site.exit_handler:
        tree.finish(state, node.id, Phase.FAILED, deadlines.EXPIRED)
        return
    try:
        limit = deadlines.limit(bound.template, site.name)
    except TemplateError as error:
        tree.finish(state, node.id, Phase.ERROR, str(error), raised=str(error))
        return
    pod = naming.pod_name(state.begun.name, site.name, bound.template.name)
    words = variables.words(state).more({"pod.name": pod, "node.name": site.name})
    template = inputs.filled(bound.template, words)
    action = StartAttempt(
        node=node.id,
        node_name=site.name,
        pod_name=pod,
        template=template,
        input_artifacts=bound.artifacts,
        output_keys=artifacts.keys(template, state.begun.name, pod),
        capture_result=captures(state, site),
    )
    frame = PodFrame(site=site, template=template, start=action, limit=limit, cut_off=cut_off)
    state.frames[node.id] = frame
    launch(state, node.id, frame)


def launch(state: State, node_id: str, frame: PodFrame) -> None:
    deadline = deadlines.watch(state, node_id, frame)
    frame.start = replace(frame.start, deadline=deadline)
    state.actions.append(frame.start)


def captures(state: State, site: Site) -> bool:
    """Whether the parent's text reads the result of the step or task (rules 36, 37)."""
    frame = state.frames.get(site.boundary or "")
    if not isinstance(frame, DagFrame | StepsFrame):
        return False
    return SUFFIXES.sub("", site.name).rpartition(".")[2] in frame.wanted


def wanted(template: Template) -> frozenset[str]:
    """Return the steps or tasks whose result *template* reads.

    `tasks["x"]` and `?.` are not understood, as in Argo (rule 37).
    """
    found = (match for text in rewrite.texts(template) for match in RESULT.finditer(text))
    return frozenset(match["plain"] or match["quoted"] for match in found)


def report(state: State, event: Started | Progressed | Exited | Lost | Interrupted) -> None:
    """Take what a driver says of an attempt; one that has ended is not changed any more."""
    match event:
        case Started():
            started(state, event)
        case Progressed():
            progressed(state, event)
        case Exited():
            exited(state, event)
        case Lost():
            lost(state, event)
        case Interrupted():
            interrupted(state, event)


def started(state: State, event: Started) -> None:
    frame = state.frames.get(event.node)
    if isinstance(frame, PodFrame):
        node = replace(state.nodes[event.node], phase=Phase.RUNNING, host=event.host)
        tree.put(state, node)


def progressed(state: State, event: Progressed) -> None:
    if event.node in state.frames:
        node = state.nodes[event.node]
        progress = event.progress or node.progress
        metrics = {**node.metrics, **event.metrics}
        tree.put(state, replace(node, progress=progress, metrics=metrics))


def exited(state: State, event: Exited) -> None:
    """Settle phase, message and outputs of a pod that has ended."""
    frame = state.frames.get(event.node)
    if not isinstance(frame, PodFrame):
        return
    given = collected(frame, event)
    node = replace(state.nodes[event.node], outputs=given, usage=event.usage)
    tree.put(state, node)
    outputs.export(state, frame.template, given)
    tree.finish(state, event.node, *verdict(frame, event))


def verdict(frame: PodFrame, event: Exited) -> tuple[Phase, str]:
    """Return the phase and message of a pod that has ended (rules 23, 24)."""
    if frame.doom:
        return Phase.FAILED, frame.doom
    if event.exit_code:
        message = f"main: {event.reason} (exit code {event.exit_code})"
        return Phase.FAILED, f"{message}: {event.message}" if event.message else message
    if event.problem:
        return Phase.ERROR, event.problem
    if event.exit_code is None:
        return Phase.ERROR, event.message or "the attempt ended without an exit code"
    return Phase.SUCCEEDED, ""


def _saved(template: Template, written: Mapping[str, str | None]) -> dict[str, str]:
    """Return the output parameters as Argo saves them: in order, up to the first that is missing.

    What is declared behind that is lost, written or not, and whatever its default (rule 24).
    """
    found: dict[str, str] = {}
    for declared in template.outputs.parameters:
        source = declared.value_from
        if source is None or source.path is None:
            continue
        value = written.get(declared.name)
        if value is None and source.default is None:
            return found
        found[declared.name] = value if value is not None else str(source.default)
    return found


def collected(frame: PodFrame, event: Exited) -> NodeOutputs:
    """Return what the attempt gave, with the defaults of what it did not write (rule 27).

    One whose main never ran gave nothing: nobody was there to save even a default.
    """
    if event.exit_code is None:
        return NodeOutputs()
    places = {
        name: ArtifactLocation(
            name=name,
            node=event.node,
            key=location.key or frame.start.output_keys.get(name),
            fields=location.fields,
        )
        for name, location in event.outputs.artifacts.items()
    }
    return NodeOutputs(
        parameters=_saved(frame.template, event.outputs.parameters),
        artifacts=places,
        result=event.outputs.result if frame.start.capture_result else None,
        exit_code=None if frame.doom else event.exit_code,  # Argo does not wait for that of a kill
    )


def lost(state: State, event: Lost) -> None:
    """An attempt that vanished is an Error (rule 23)."""
    frame = state.frames.get(event.node)
    if isinstance(frame, PodFrame):
        phase = Phase.FAILED if frame.doom else Phase.ERROR
        tree.finish(state, event.node, phase, frame.doom or event.message)


def interrupted(state: State, event: Interrupted) -> None:
    """Set an attempt back, so that it starts again when the run is resumed."""
    frame = state.frames.get(event.node)
    if not isinstance(frame, PodFrame):
        return
    if frame.killed:
        message = frame.doom or "main: Error (exit code 143)"
        tree.finish(state, event.node, Phase.FAILED, message)
        return
    frame.interrupted = True
    node = state.nodes[event.node]
    tree.put(state, replace(node, phase=Phase.PENDING, progress="", metrics={}))


def resume(state: State) -> None:
    """Say again what is to be done, for a driver that may have seen none of it.

    An attempt that was interrupted starts afresh, its time with it.
    """
    for node_id, frame in state.frames.items():
        if not isinstance(frame, PodFrame):
            continue
        if frame.interrupted:
            frame.interrupted = False
            tree.put(state, replace(state.nodes[node_id], started_at=state.now))
            launch(state, node_id, frame)
        else:
            state.actions.append(frame.start)
            if frame.killed:
                state.actions.append(Kill(node=node_id, reason=frame.doom or "deadline"))
