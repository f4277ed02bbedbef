"""Parallelism and the template's `failFast`: whether a boundary takes new work (rules 21, 55)."""

from tiphys.engine import tree
from tiphys.engine.node import Phase
from tiphys.engine.state import Attempt, DagFrame, Enter, State, StepsFrame, Tally

FAILED_FAST = "template has failed or errored children and failFast enabled"


def blocker(state: State, item: Enter | Attempt) -> tuple[str | None] | None:
    """Return the key of the limit that *item* must wait for, in a tuple; None if it may start."""
    total = state.workflow.spec.parallelism
    if total is not None and state.active_pods >= total:
        return (None,)
    boundary = item.site.boundary
    frame = state.frames.get(boundary or "")
    if isinstance(item, Attempt) or not isinstance(frame, DagFrame | StepsFrame):
        return None
    most = frame.template.parallelism
    if most is not None and state.tallies.get(boundary, Tally()).children >= most:
        return (boundary,)
    return None


def failing(state: State, boundary: str | None) -> bool:
    """Whether the boundary fails fast: it starts nothing and waits for its pods."""
    frame = state.frames.get(boundary or "")
    if not isinstance(frame, DagFrame | StepsFrame) or not frame.template.fail_fast:
        return False
    return state.tallies.get(boundary, Tally()).unsuccessful > 0


def enforce(state: State, boundary: str) -> None:
    """Fail a boundary that fails fast once no pod in it is active."""
    if state.tallies[boundary].pods:
        return
    frame = state.frames[boundary]
    if isinstance(frame, StepsFrame) and not state.nodes[frame.group_id].phase.fulfilled:
        tree.phase(state, frame.group_id, Phase.FAILED, FAILED_FAST)
    tree.finish(state, boundary, Phase.FAILED, FAILED_FAST)


def release(state: State) -> bool:
    """Put back on the agenda one call whose limit has eased; return whether there was one."""
    for key in (None, *sorted(key for key in state.eased if key is not None)):
        queue = state.deferred.get(key)
        while queue and not tree.alive(state, queue[0].site.owner):
            queue.popleft()
        if queue and blocker(state, queue[0]) is None:
            state.entries.append(queue.popleft())
            return True
        if key is not None:
            state.eased.discard(key)
    return False
