"""Retrying a run that has failed: what succeeded stays, the rest is made anew (rule 64)."""

from tiphys.engine import tree
from tiphys.engine.node import Node, Phase
from tiphys.engine.state import Ended, Kept, Site, State


def keep(state: State) -> Kept:
    """Return what a retry of *state* does not run again.

    That is every node that succeeded, with all that is inside it, but not the exit handler.
    """
    handler = f"{state.begun.name}.onExit"
    nodes = {
        node.id: node
        for node in state.nodes.values()
        if not node.name.startswith(handler) and _stays(state, node)
    }
    inside: dict[str, list[str]] = {}
    for node_id in nodes:
        owner = state.owners[node_id]
        if owner is not None:
            inside.setdefault(owner, []).append(node_id)
    return Kept(nodes=nodes, inside=inside, children=state.children, outbound=state.outbound)


def _stays(state: State, node: Node) -> bool:
    """Whether *node* succeeded, or something that it is a part of."""
    at: str | None = node.id
    while at is not None:
        if state.nodes[at].phase is Phase.SUCCEEDED:
            return True
        at = state.owners[at]
    return False


def reinstated(state: State, site: Site) -> bool:
    """Put the node of *site* back with all that is inside it, if it was kept."""
    if state.kept is None:
        return False
    node_id = tree.identify(state, site.name)
    node = state.kept.nodes.get(node_id)
    if node is None or node.phase is not Phase.SUCCEEDED:
        return False
    state.owners[node_id] = site.owner
    members = _members(state.kept, node_id)
    for one in members:
        tree.put(state, state.kept.nodes[one])
        state.outbound[one] = state.kept.outbound.get(one, ())
        for child in state.kept.children.get(one, ()):
            if child in members:
                tree.link(state, one, child)
    state.notices.append(Ended(node=node_id))
    for owner in members:
        for one in state.kept.inside.get(owner, ()):
            state.owners[one] = owner
    return True


def _members(kept: Kept, node_id: str) -> dict[str, None]:
    """Return *node_id* and all that is inside it."""
    found = {node_id: None}
    queue = [node_id]
    for owner in queue:
        for one in kept.inside.get(owner, ()):
            found[one] = None
            queue.append(one)
    return found
