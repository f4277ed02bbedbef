"""Exit handlers of steps and tasks (rule 51)."""

from tiphys.engine import tree
from tiphys.engine.node import Node
from tiphys.engine.state import (
    DagFrame,
    Enter,
    LoopFrame,
    Shutdown,
    Site,
    State,
    StepsFrame,
)
from tiphys.manifest.model import Call


def offer(state: State, frame: DagFrame | LoopFrame | StepsFrame, node: Node, call: Call) -> bool:
    """Begin the exit handler of *node*, for which its owner will wait; return whether it has one.

    It runs after Succeeded, Failed and Error. Without arguments of its own it gets the
    workflow's (rule 52).
    """
    if call.on_exit is None or not node.phase.completed or withheld(state, call):
        return False
    site = Site(
        name=f"{node.name}.onExit",
        call=Call(name="", template=call.on_exit),
        owner=frame.id,
        boundary=node.boundary,
        context=frame.context,
        depth=frame.site.depth + 1,
        exit_handler=True,
        hooked=True,
    )
    handler = tree.identify(state, site.name)
    tree.link(state, node.id, handler)
    frame.handlers[handler] = node.id
    state.entries.append(Enter(site=site, supplied=state.supplied))
    return True


def withheld(state: State, call: Call) -> bool:
    """Whether *call* never gets its exit handler: what depends on it then waits for ever."""
    return call.on_exit is not None and state.shutdown is Shutdown.TERMINATE
