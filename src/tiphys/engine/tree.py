"""Growing the tree: nodes, edges, phases, and telling owners. Every change of a node is here."""

from collections.abc import Iterator
from dataclasses import replace

from tiphys.engine import naming
from tiphys.engine.node import Node, NodeOutputs, NodeType, Phase
from tiphys.engine.state import Bound, Ended, Site, State, Tally

COUNTED = {NodeType.POD, NodeType.STEPS, NodeType.DAG}


def identify(state: State, name: str) -> str:
    """Return the id of the node called *name*."""
    return naming.node_id(state.begun.name, name)


def add(state: State, site: Site, kind: NodeType, phase: Phase, message: str = "") -> Node:
    """Make the node of *site*; one that has already ended tells nobody."""
    boundary = state.nodes[site.boundary].name if site.boundary is not None else None
    node = Node(
        id=identify(state, site.name),
        name=site.name,
        display_name=naming.display_name(site.name, boundary),
        type=kind,
        phase=phase,
        template_name=site.call.template or "",
        template_ref=site.call.template_ref,
        template_scope=site.context.scope,
        boundary=site.boundary,
        message=message,
        started_at=state.now,
        finished_at=state.now if phase.fulfilled else None,
        hooked=site.hooked,
        retried=site.retried,
    )
    state.owners[node.id] = site.owner
    put(state, node)
    return node


def put(state: State, node: Node) -> None:
    """Store the new value of a node and keep the tallies right."""
    before = state.nodes.get(node.id)
    state.nodes[node.id] = node
    if node.type not in COUNTED or (before is not None and before.phase is node.phase):
        return
    tally = state.tallies.setdefault(node.boundary, Tally())
    active = int(not node.phase.fulfilled) - int(before is not None and not before.phase.fulfilled)
    failed = int(node.phase.unsuccessful) - int(before is not None and before.phase.unsuccessful)
    tally.children += active
    tally.unsuccessful += failed
    if active < 0:
        state.eased.add(node.boundary)
    if node.type is NodeType.POD:
        tally.pods += active
        state.active_pods += active


def phase(state: State, node_id: str, phase: Phase, message: str | None = None) -> None:
    """Give a node another phase, and the time it ended; tells nobody."""
    node = state.nodes[node_id]
    put(
        state,
        replace(
            node,
            phase=phase,
            message=node.message if message is None else message,
            finished_at=state.now if phase.fulfilled else None,
        ),
    )


def finish(
    state: State, node_id: str, ended: Phase, message: str | None = None, raised: str | None = None
) -> None:
    """End a node, drop its frame and put a notice for its owner on the agenda."""
    phase(state, node_id, ended, message)
    state.frames.pop(node_id, None)
    if state.locks.pop(node_id, None):
        state.entries.extend(state.lock_waiters)
        state.lock_waiters.clear()
    state.notices.append(Ended(node=node_id, raised=raised))


def receive(state: State, node_id: str, bound: Bound) -> None:
    """Show on a node what its template was called with, and what it wants to be displayed as."""
    inputs = {one.name: one.value or "" for one in bound.template.inputs.parameters}
    node = replace(state.nodes[node_id], inputs=inputs, input_artifacts=bound.artifacts)
    shown = bound.template.annotations.get(naming.DISPLAY)
    if shown and not node.retried:  # Argo leaves attempts their names
        node = replace(node, display_name=shown)
    put(state, node)


def give(state: State, node_id: str, outputs: NodeOutputs) -> None:
    put(state, replace(state.nodes[node_id], outputs=outputs))


def link(state: State, parent: str, child: str) -> None:
    state.children.setdefault(parent, {})[child] = None


def children(state: State, node_id: str) -> tuple[str, ...]:
    return tuple(state.children.get(node_id, ()))


def outbound(state: State, node_id: str) -> Iterator[str]:
    """Yield the nodes after which what follows *node_id* is hung (rule 5); none if not made."""
    if node_id not in state.nodes:
        return
    node = state.nodes[node_id]
    inside = children(state, node_id)
    match node.type:
        case NodeType.POD | NodeType.SKIPPED | NodeType.SUSPEND:
            yield node_id
        case NodeType.TASK_GROUP:
            for child in inside:
                yield from outbound(state, child)
        case NodeType.RETRY:
            yield from inside[-1:]
        case NodeType.STEPS | NodeType.DAG | NodeType.STEP_GROUP:
            for other in state.outbound.get(node_id, ()):
                yield from outbound(state, other)


def alive(state: State, node_id: str | None) -> bool:
    """Whether *node_id* and all that wait for it still run, so that it may do new work."""
    while node_id is not None:
        if node_id not in state.frames:
            return False
        node_id = state.owners[node_id]
    return True
