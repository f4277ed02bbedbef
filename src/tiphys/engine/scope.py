"""What a call sees of the steps or tasks before it (rule 18).

Names are looked up only for what a text mentions, so that a long chain stays linear.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tiphys.engine import aggregates, templates, tree, variables
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import ArtifactLocation, Node, NodeOutputs, NodeType, Phase
from tiphys.engine.state import Composite, Context, DagFrame, State, StepsFrame
from tiphys.engine.words import Words
from tiphys.manifest.model import Call, Outputs

MENTION = re.compile(r"\b(?:tasks|steps)\s*(?:\??\.\s*|\[\s*['\"])([a-zA-Z0-9][-a-zA-Z0-9_]*)")
WHOLESALE = re.compile(r"\b(?:tasks|steps)\b(?!\s*(?:\??\.|\[\s*['\"]))")
Seen = tuple[dict[str, str | None], dict[str, ArtifactLocation]]
NOTHING = NodeOutputs()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a call sees: names, and artifacts by full name."""

    words: Words
    artifacts: dict[str, ArtifactLocation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """A step or task that has ended. `children` are those of a loop."""

    call: Call
    node: Node
    children: tuple[Node, ...] | None = None


def view(state: State, frame: Composite, texts: Iterable[str], task: str | None = None) -> View:
    """Return what *texts* see inside *frame*; a task sees only its ancestors.

    Raises: TemplateError: the results of a loop cannot be joined (rule 13).
    """
    kind: Literal["tasks", "steps"] = "tasks" if isinstance(frame, DagFrame) else "steps"
    names = dict(state.globals)
    artifacts = global_artifacts(state)
    own = state.nodes[tree.identify(state, frame.site.name)]
    names.update({f"inputs.parameters.{name}": value for name, value in own.inputs.items()})
    artifacts.update({f"inputs.artifacts.{k}": v for k, v in own.input_artifacts.items()})
    for name in _mentioned(frame, "\n".join(texts), task):
        producer = _producer(state, frame, name)
        if producer is not None:
            _show(state, frame, producer, f"{kind}.{name}", (names, artifacts))
    words = Words(names, variables.environment(state))
    return View(words=words, artifacts=artifacts)


def global_artifacts(state: State) -> dict[str, ArtifactLocation]:
    """Return the artifacts that every text of the run may name."""
    return {
        f"workflow.outputs.artifacts.{name}": location
        for name, location in state.output_artifacts.items()
    }


def own(state: State, seen: View, node: Node, call: Call) -> View:
    """Return *seen* with what *node* itself has put out, as its exit hook may use it."""
    task = isinstance(state.frames.get(node.boundary or ""), DagFrame)
    prefix = f"{'tasks' if task else 'steps'}.{call.name}"
    last = last_attempt(state, node)
    names: dict[str, str | None] = {**facts(node, prefix)}
    for name, value in last.outputs.parameters.items():
        names[f"{prefix}.outputs.parameters.{name}"] = value
    found = {f"{prefix}.outputs.artifacts.{k}": v for k, v in last.outputs.artifacts.items()}
    return View(words=seen.words.more(names), artifacts={**seen.artifacts, **found})


def _mentioned(frame: Composite, text: str, task: str | None) -> Iterator[str]:
    """Yield the steps or tasks to look up for *text*."""
    everything = WHOLESALE.search(text) is not None
    if isinstance(frame, StepsFrame):
        known = frame.results
        found = dict.fromkeys(MENTION.findall(text))
        yield from known if everything else (name for name in found if name in known)
    elif task is None:
        made = frame.nodes
        found = dict.fromkeys(MENTION.findall(text))
        yield from made if everything else (name for name in found if name in made)
    elif everything:
        yield from _ancestors(frame, task)
    else:
        names = {name for name in MENTION.findall(text) if name in frame.nodes and name != task}
        yield from _among_ancestors(frame, task, names)


def _ancestors(frame: DagFrame, task: str) -> Iterator[str]:
    """Yield the ancestors of *task*, nearest first."""
    seen = {task}
    queue = [task]
    for name in queue:
        for other in frame.plan.dependencies[name]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
                yield other


def _among_ancestors(frame: DagFrame, task: str, names: set[str]) -> Iterator[str]:
    """Yield those of *names* that are ancestors, looking no further than needed."""
    if not names:
        return
    missing = set(names)
    for other in _ancestors(frame, task):
        if other in missing:
            missing.remove(other)
            yield other
        if not missing:
            return


def _producer(state: State, frame: Composite, name: str) -> Producer | None:
    if isinstance(frame, StepsFrame):
        result = frame.results[name]
        children = None
        if result.children is not None:
            inside = [state.nodes[child] for child in result.children]
            children = tuple(child for child in inside if child.type is not NodeType.SKIPPED)
        return Producer(call=result.call, node=state.nodes[result.node], children=children)
    node = state.nodes[frame.nodes[name]]
    if not node.phase.fulfilled:
        return None
    loop = node.type is NodeType.TASK_GROUP
    children = tuple(state.nodes[c] for c in tree.children(state, node.id)) if loop else None
    return Producer(call=frame.tasks[name], node=node, children=children)


def _show(state: State, frame: Composite, producer: Producer, prefix: str, seen: Seen) -> None:
    """Add what *producer* gives."""
    names, artifacts = seen
    if producer.children is not None:
        names.update(aggregates.joined(prefix, producer.children))
    node = last_attempt(state, producer.node)
    names.update(facts(node, prefix))
    outputs = node.outputs
    for name, value in outputs.parameters.items():
        if value is not None:
            names[f"{prefix}.outputs.parameters.{name}"] = value
    artifacts.update({f"{prefix}.outputs.artifacts.{k}": v for k, v in outputs.artifacts.items()})
    if outputs == NOTHING and node.phase in {Phase.SKIPPED, Phase.OMITTED}:
        declared = _declared(state, frame.context, producer.call)
        names.update(absent(declared, prefix))
        if isinstance(frame, StepsFrame):
            artifacts.update(placeholders(declared, prefix))


def last_attempt(state: State, node: Node) -> Node:
    """Return the last attempt of a Retry node, else *node* (rule 45)."""
    if node.type is not NodeType.RETRY:
        return node
    inside = [state.nodes[child] for child in tree.children(state, node.id)]
    return next((child for child in reversed(inside) if not child.hooked), node)


def facts(node: Node, prefix: str) -> dict[str, str]:
    """Return what is known of any node."""
    known = {
        "id": node.id,
        "startedAt": variables.rfc3339(node.started_at) if node.started_at else None,
        "finishedAt": variables.rfc3339(node.finished_at) if node.finished_at else None,
        "status": node.phase.value,
        "hostNodeName": node.host or None,
        "outputs.result": node.outputs.result,
        "exitCode": None if node.outputs.exit_code is None else str(node.outputs.exit_code),
    }
    return {f"{prefix}.{name}": value for name, value in known.items() if value is not None}


def _declared(state: State, context: Context, call: Call) -> Outputs:
    try:
        template, _ = templates.find(state, context, call)
    except TemplateError:
        return Outputs()
    return template.outputs


def absent(declared: Outputs, prefix: str) -> dict[str, str | None]:
    """Return the outputs of a skipped producer: their default, else absent (rules 26, 27)."""
    return {
        f"{prefix}.outputs.parameters.{one.name}": one.value_from.default
        if one.value_from
        else None
        for one in declared.parameters
    }


def placeholders(declared: Outputs, prefix: str) -> dict[str, ArtifactLocation]:
    """Return the artifacts of a skipped step: they exist but have no location (rule 29)."""
    return {
        f"{prefix}.outputs.artifacts.{one.name}": ArtifactLocation(name=one.name)
        for one in declared.artifacts
    }
