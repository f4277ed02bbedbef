"""Steps that wait: for a while, or until the user lets the run go on (rule 50)."""

from datetime import datetime

from tiphys.engine import deadlines, durations, tree
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import NodeType, Phase
from tiphys.engine.state import Bound, Shutdown, Site, State, SuspendFrame


def begin(state: State, site: Site, bound: Bound) -> None:
    """Make the node, and ask for the clock where the wait has an end."""
    node = tree.add(state, site, NodeType.SUSPEND, Phase.RUNNING)
    tree.receive(state, node.id, bound)
    if down := state.ending(site):
        tree.finish(state, node.id, Phase.FAILED, down.message)
        return
    if state.expired and not site.exit_handler:
        tree.finish(state, node.id, Phase.FAILED, deadlines.EXPIRED)
        return
    try:
        until = _until(state.now, bound)
    except TemplateError as error:
        tree.finish(state, node.id, Phase.ERROR, str(error), raised=str(error))
        return
    state.frames[node.id] = SuspendFrame(site=site, until=until)
    if until is not None:
        deadlines.wake(state, until, node.id)


def _until(now: datetime, bound: Bound) -> datetime | None:
    suspend = bound.template.suspend
    if suspend is None or not suspend.duration:
        return None
    return now + durations.lenient(suspend.duration)


def clock(state: State, node_id: str, frame: SuspendFrame) -> None:
    """The clock was read for a step that waits."""
    if frame.until is not None and frame.until <= state.now:
        tree.finish(state, node_id, Phase.SUCCEEDED)


def release(state: State) -> None:
    """Let every step that waits go on."""
    for node_id, _ in _waiting(state):
        tree.finish(state, node_id, Phase.SUCCEEDED)


def shut_down(state: State, down: Shutdown) -> None:
    """End every wait that *down* does not spare (rule 49)."""
    for node_id, frame in _waiting(state):
        if not down.spares(frame.site):
            tree.finish(state, node_id, Phase.FAILED, down.message)


def expire_all(state: State) -> None:
    """End every wait that is no part of an exit handler (rule 48)."""
    for node_id, frame in _waiting(state):
        if not frame.site.exit_handler:
            tree.finish(state, node_id, Phase.FAILED, deadlines.EXPIRED)


def _waiting(state: State) -> list[tuple[str, SuspendFrame]]:
    found = state.frames.items()
    return [(node_id, frame) for node_id, frame in found if isinstance(frame, SuspendFrame)]
