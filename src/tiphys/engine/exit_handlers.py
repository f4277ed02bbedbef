"""Exit handlers of steps and tasks (rule 51)."""

from tiphys.engine import calls, rewrite, scope, tree, variables
from tiphys.engine.node import Node
from tiphys.engine.scope import View
from tiphys.engine.state import (
    DagFrame,
    Enter,
    LoopFrame,
    Shutdown,
    Site,
    State,
    StepsFrame,
    Supplied,
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
    state.entries.append(Enter(site=site, supplied=_supplied(state, frame, node, call)))
    return True


def of_the_run(state: State) -> Supplied:
    """Return what the exit handler of the workflow is given."""
    given = state.workflow.spec.on_exit_arguments
    if not given.parameters and not given.artifacts:
        return state.supplied
    seen = View(words=variables.words(state), artifacts=scope.global_artifacts(state))
    return calls.leniently(given, seen)


def _supplied(
    state: State, frame: DagFrame | LoopFrame | StepsFrame, node: Node, call: Call
) -> Supplied:
    """Return the hook's arguments, which may use what the step itself has put out."""
    given = call.on_exit_arguments
    if not given.parameters and not given.artifacts:
        return state.supplied
    around = state.frames.get(frame.site.boundary or "") if isinstance(frame, LoopFrame) else frame
    if not isinstance(around, DagFrame | StepsFrame):
        raise TypeError(around)
    task = call.name.partition("(")[0] if isinstance(around, DagFrame) else None
    seen = scope.own(state, scope.view(state, around, rewrite.texts(given), task), node, call)
    return calls.leniently(given, seen)


def withheld(state: State, call: Call) -> bool:
    """Whether *call* never gets its exit handler: what depends on it then waits for ever."""
    return call.on_exit is not None and state.shutdown is Shutdown.TERMINATE
