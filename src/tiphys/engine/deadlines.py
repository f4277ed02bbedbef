"""Clocks: how long a pod may run, when to look again, and what is killed when time is up."""

from datetime import datetime, timedelta
from heapq import heappush

from tiphys.engine import durations, tree
from tiphys.engine.actions import Kill, WakeAt
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import Phase
from tiphys.engine.state import PodFrame, Shutdown, State
from tiphys.manifest.model import Template

SHORTEST = timedelta(seconds=2)
"""A `timeout` up to this is over before it begins (rule 47)."""
OVERDUE = "Pod was active on the node longer than the specified deadline"
EXPIRED = "Step exceeded its deadline"
SHUT_DOWN = "workflow shutdown with strategy"
"""How the message of a pod begins that a stop has ended, or kept from being made."""


def wake(state: State, at: datetime, node_id: str) -> None:
    """Ask for the clock, to look at *node_id* then; "" is the workflow."""
    heappush(state.timers, (at, node_id))
    state.actions.append(WakeAt(at=at))


def limit(template: Template, name: str) -> timedelta | None:
    """Return how long the pod of *template* may run: `timeout` replaces the rest (rule 47).

    Raises: TemplateError: it cannot be read, or is over at once.
    """
    if template.timeout:
        span = durations.go(template.timeout)
        if span <= SHORTEST:
            raise TemplateError(name, "exceeded its deadline")
        return span
    if template.active_deadline_seconds is None:
        return None
    try:
        return timedelta(seconds=int(template.active_deadline_seconds))
    except ValueError as error:
        found = template.active_deadline_seconds
        raise TemplateError("activeDeadlineSeconds", f'is "{found}", no number') from error


def watch(state: State, node_id: str, frame: PodFrame) -> datetime | None:
    """Ask for the clock when the pod's time is up; return when that is."""
    ends = [frame.cut_off] if frame.cut_off is not None else []
    if frame.limit is not None:
        ends.append(state.now + frame.limit)
    for at in ends:
        wake(state, at, node_id)
    return min(ends, default=None)


def overdue(state: State, node_id: str, frame: PodFrame) -> None:
    """The clock was read for a pod: kill it if its time is up. An interrupted one has no time."""
    if frame.interrupted:
        return
    started = state.nodes[node_id].started_at or state.now
    if frame.limit is not None and started + frame.limit <= state.now:
        kill(state, node_id, frame, OVERDUE)
    elif frame.cut_off is not None and frame.cut_off <= state.now:
        kill(state, node_id, frame, "")


def kill(state: State, node_id: str, frame: PodFrame, message: str) -> None:
    """Have a pod killed; with a message that will be the node's."""
    if frame.killed:
        return
    frame.killed, frame.doom = True, message
    if frame.interrupted:
        tree.finish(state, node_id, Phase.FAILED, message)
        return
    state.actions.append(Kill(node=node_id, reason=message or "Max duration limit exceeded"))


def expire_all(state: State) -> None:
    """Have every pod killed that is no part of an exit handler (rule 48)."""
    for node_id, frame in list(state.frames.items()):
        if isinstance(frame, PodFrame) and not frame.site.exit_handler:
            kill(state, node_id, frame, EXPIRED)


def shut_down(state: State, down: Shutdown) -> None:
    """Have every pod killed that *down* does not spare (rule 49)."""
    for node_id, frame in list(state.frames.items()):
        if isinstance(frame, PodFrame) and not down.spares(frame.site):
            kill(state, node_id, frame, f"{SHUT_DOWN}:  {down}")
