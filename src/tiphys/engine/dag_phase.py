"""The phase of a DAG: that of its targets, where one that did not run inherits (rules 19, 20)."""

from collections import deque
from collections.abc import Iterator

from tiphys.engine import tree
from tiphys.engine.node import Node, NodeType, Phase
from tiphys.engine.state import DagFrame, State


def of(state: State, frame: DagFrame) -> Phase:
    """Return the phase of a DAG none of whose tasks is open."""
    if state.ending(frame.site):
        return Phase.FAILED
    if state.active_pods and busy(state, frame.id):
        return Phase.RUNNING
    targets = [state.nodes[frame.nodes[name]] for name in frame.plan.targets]
    if all(node.phase.completed for node in targets):
        phases = {node.id: node.phase for node in targets}
    else:
        phases = inherited(state, frame.id, {node.id for node in targets})
    for name, node in zip(frame.plan.targets, targets, strict=True):
        phase = phases.get(node.id, Phase.SUCCEEDED)
        if phase.unsuccessful and not tolerated(frame, name, phase):
            return phase
    return Phase.SUCCEEDED


def busy(state: State, dag_id: str) -> bool:
    """Whether a pod still runs in a task that has ended without waiting for it."""
    seen = {dag_id}
    stack = [dag_id]
    while stack:
        for child in tree.children(state, stack.pop()):
            node = state.nodes.get(child)
            if node is not None and child not in seen:
                seen.add(child)
                stack.append(child)
                if node.type is NodeType.POD and not node.phase.fulfilled:
                    return True
    return False


def tolerated(frame: DagFrame, name: str, phase: Phase) -> bool:
    """Whether a target's own `continueOn` forgives its failure."""
    forgiven = frame.plan.tolerated.get(name, ())
    return ("Errored" if phase is Phase.ERROR else "Failed") in forgiven


def inherited(state: State, dag_id: str, targets: set[str]) -> dict[str, Phase]:
    """Return the phase of each target, following branches from the DAG's first nodes.

    A target that did not run has the phase of the last node before it that did; of several,
    an unsuccessful one.
    """
    found: dict[str, Phase] = {}
    queue = deque((child, Phase.SUCCEEDED) for child in tree.children(state, dag_id))
    seen = set(queue)
    while queue:
        node_id, branch = queue.popleft()
        node = state.nodes.get(node_id)
        if node is None:
            continue
        branch = node.phase if node.phase.completed else branch
        if node_id in targets and not found.get(node_id, Phase.SUCCEEDED).unsuccessful:
            found[node_id] = branch
        for child in below(state, node):
            if (child, branch) not in seen:
                seen.add((child, branch))
                queue.append((child, branch))
    return found


def below(state: State, node: Node) -> Iterator[str]:
    """Yield what comes after *node*; the attempts of a Retry node are passed over."""
    for child in reversed(tree.children(state, node.id)) if node.type is NodeType.RETRY else ():
        if child in state.nodes and state.nodes[child].hooked:
            yield child
        else:
            yield from tree.children(state, child)
    if node.type is not NodeType.RETRY:
        yield from tree.children(state, node.id)
