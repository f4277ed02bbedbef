"""The state machine: an event changes a frame or two, and the agenda is worked off.

The agenda has notices (somebody ended, look again) before entries (call this template), so that
an error stops what is not yet begun. An event costs what it changes: a node that ends is told
to its owner only, which keeps counts and never walks the tree.
"""

from dataclasses import replace
from datetime import timedelta
from heapq import heappop

from tiphys import manifest as manifests
from tiphys.engine import (
    attempts,
    dag,
    deadlines,
    entering,
    exit_handlers,
    labels,
    limits,
    pods,
    rerun,
    steps,
    suspends,
    tree,
    variables,
)
from tiphys.engine.actions import Action, Finish, WakeAt
from tiphys.engine.events import (
    Begun,
    ClockReached,
    Event,
    Exited,
    Interrupted,
    Lost,
    Progressed,
    Released,
    Resumed,
    Retried,
    Started,
    Stopped,
    Suspended,
    Terminated,
)
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import Phase
from tiphys.engine.state import (
    Assess,
    Attempt,
    Context,
    DagFrame,
    Ended,
    Enter,
    Frame,
    LoopFrame,
    PodFrame,
    Ready,
    RetryFrame,
    Shutdown,
    Site,
    State,
    StepsFrame,
    SuspendFrame,
)
from tiphys.errors import UserError
from tiphys.manifest.model import Call, Manifest, Template


def begin(manifest: Manifest, event: Begun) -> tuple[State, tuple[Action, ...]]:
    """Begin a run of *manifest*; return its state and what is to be done first.

    Raises: UserError: there is no entrypoint, or a parameter has no proper value.
    """
    state = State(
        manifest=manifest,
        workflow=manifests.joined(manifest),
        begun=event,
        now=event.at,
        started_at=event.at,
    )
    return _opened(state)


def _opened(state: State) -> tuple[State, tuple[Action, ...]]:
    spec = state.workflow.spec
    if not spec.entrypoint:
        raise UserError(str(spec.at), "the workflow has no entrypoint.", "Add `entrypoint: NAME`.")
    variables.begin(state)
    try:
        labels.begin(state)
    except TemplateError as error:
        state.closing = (Phase.ERROR, str(error))
        return _settled(state)
    if spec.active_deadline_seconds is not None:
        state.deadline = state.started_at + timedelta(seconds=spec.active_deadline_seconds)
        deadlines.wake(state, state.deadline, "")
    site = _top(state, state.begun.name, spec.entrypoint)
    state.entries.append(Enter(site=site, supplied=state.supplied))
    return _settled(state)


def advance(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """Apply *event*; return the state after it and what is to be done.

    The state given is used up. An event for a node that has ended changes nothing.
    """
    state.now, state.fresh = event.at, False
    match event:
        case Retried():
            return _retried(state, event)
        case Begun():
            raise ValueError(event)
        case Started() | Progressed() | Exited() | Lost() | Interrupted():
            pods.report(state, event)
        case Stopped() | Terminated() | Suspended() | Released():
            _steer(state, event)
        case Resumed():
            _resume(state)
        case ClockReached():
            pass
    _look_at_clock(state)
    return _settled(state)


def _steer(state: State, event: Stopped | Terminated | Suspended | Released) -> None:
    """Do to the run what the user says."""
    match event:
        case Stopped():
            _shut_down(state, Shutdown.STOP)
        case Terminated():
            _shut_down(state, Shutdown.TERMINATE)
        case Suspended():
            state.suspended = True
        case Released():
            state.suspended = False
            suspends.release(state)


def _shut_down(state: State, down: Shutdown) -> None:
    state.shutdown = down
    deadlines.shut_down(state, down)
    suspends.shut_down(state, down)
    _end_backoffs(state)


def _end_backoffs(state: State) -> None:
    for frame in list(state.frames.values()):
        if isinstance(frame, RetryFrame):
            attempts.interrupt(state, frame)


def _resume(state: State) -> None:
    """Say again all that is to be done: the driver is a new one."""
    _look_at_clock(state)
    state.actions.clear()
    pods.resume(state)
    state.actions.extend(WakeAt(at=at) for at, _ in sorted(state.timers))
    if state.finished_at is not None:
        state.actions.append(Finish(phase=state.phase, message=state.message))


def _retried(state: State, event: Retried) -> tuple[State, tuple[Action, ...]]:
    """Begin again with what succeeded in place (rule 64)."""
    parameters = {**state.begun.parameters, **event.parameters}
    fresh = State(
        manifest=state.manifest,
        workflow=state.workflow,
        begun=replace(state.begun, parameters=parameters),
        now=event.at,
        started_at=event.at,
        fresh=False,
        kept=rerun.keep(state),
        globals=state.globals,
        outputs=state.outputs,
        output_artifacts=state.output_artifacts,
    )
    return _opened(fresh)


def _look_at_clock(state: State) -> None:
    """Attend to every timer that has run out."""
    while state.timers and state.timers[0][0] <= state.now:
        _, node_id = heappop(state.timers)
        frame = state.frames.get(node_id)
        if not node_id and state.closing is None:
            _expire(state)
        elif isinstance(frame, PodFrame):
            deadlines.overdue(state, node_id, frame)
        elif isinstance(frame, SuspendFrame):
            suspends.clock(state, node_id, frame)
        elif isinstance(frame, RetryFrame):
            attempts.clock(state, frame)


def _expire(state: State) -> None:
    """The workflow's deadline has passed: its pods fail, exit handlers still run (rule 48)."""
    state.expired = True
    deadlines.expire_all(state)
    suspends.expire_all(state)
    _end_backoffs(state)


def _settled(state: State) -> tuple[State, tuple[Action, ...]]:
    """Work off the agenda, and end the run if nothing is left."""
    variables.tick(state)
    while not state.suspended and (state.notices or state.entries or limits.release(state)):
        if state.notices:
            _notice(state, state.notices.popleft())
        else:
            _entry(state, state.entries.popleft())
    if state.closing is None and not state.active_pods and not _waiting(state):
        _stuck(state)
    if state.closing is not None and not state.active_pods and state.finished_at is None:
        _close(state, *state.closing)
    actions, state.actions = tuple(state.actions), []
    return state, actions


def _entry(state: State, item: Enter | Attempt | Ready) -> None:
    match item:
        case Enter():
            entering.enter(state, item)
        case Attempt():
            entering.attempt(state, item)
        case Ready():
            dag.start(state, item)


def _notice(state: State, notice: Ended | Assess) -> None:
    match notice:
        case Ended():
            _ended(state, notice)
        case Assess():
            _assess(state, notice.node)


def _ended(state: State, notice: Ended) -> None:
    """Tell the owner, or whoever of those above it still runs."""
    boundary = state.nodes[notice.node].boundary
    owner = state.owners[notice.node]
    if boundary is not None and limits.failing(state, boundary):
        limits.enforce(state, boundary)
    elif owner is None:
        _top_ended(state, notice)
    elif not tree.alive(state, owner):
        _tell_above(state, owner)
    else:
        _tell(state, state.frames[owner], notice)


def _tell(state: State, owner: Frame, notice: Ended) -> None:
    match owner:
        case DagFrame():
            dag.ended(state, owner, notice)
        case LoopFrame():
            dag.loop_ended(state, owner, notice)
        case StepsFrame():
            steps.ended(state, owner, notice)
        case RetryFrame():
            attempts.ended(state, owner)
        case PodFrame() | SuspendFrame():
            raise ValueError(owner)


def _tell_above(state: State, owner: str | None) -> None:
    """A pod ended in what has ended already: a DAG above may have waited for it."""
    while owner is not None and not tree.alive(state, owner):
        owner = state.owners[owner]
    if owner is not None:
        _assess(state, owner)


def _assess(state: State, node_id: str) -> None:
    match state.frames.get(node_id):
        case DagFrame() as frame:
            dag.assess(state, frame)
        case LoopFrame() as frame:
            dag.assess_loop(state, frame)
        case StepsFrame() as frame:
            steps.assess(state, frame)
        case _:
            pass


def _top(state: State, name: str, template: str, *, handler: bool = False) -> Site:
    spec = state.workflow.spec
    known: dict[str, Template] = {one.name: one for one in spec.templates}
    own = "" if state.workflow.spec.workflow_template_ref else state.begun.name
    return Site(
        name=name,
        call=Call(name="", template=template),
        owner=None,
        boundary=None,
        context=Context(scope=f"local/{own}", templates=known),
        exit_handler=handler,
        hooked=handler,
    )


def _top_ended(state: State, notice: Ended) -> None:
    """The entrypoint or the workflow's exit handler has ended."""
    node = state.nodes[notice.node]
    if node.hooked:
        _handler_ended(state, notice)
    elif notice.raised is not None:
        state.closing = (Phase.ERROR, f"error in entry template execution: {notice.raised}")
    else:
        phase = node.phase if node.phase.unsuccessful else Phase.SUCCEEDED
        message = node.message or state.deadlock
        if state.shutdown is not None:
            message = state.shutdown.message
        state.verdict = (phase, message if phase.unsuccessful else "")
        variables.conclude(state, phase)
        handler = state.workflow.spec.on_exit
        if handler is None or state.shutdown is Shutdown.TERMINATE:
            state.closing = state.verdict
            return
        site = _top(state, f"{state.begun.name}.onExit", handler, handler=True)
        state.entries.append(Enter(site=site, supplied=exit_handlers.of_the_run(state)))


def _handler_ended(state: State, notice: Ended) -> None:
    """A failing exit handler turns Succeeded into its own phase, and nothing else (rule 51)."""
    node = state.nodes[notice.node]
    phase, message = state.verdict
    if notice.raised is not None:
        state.closing = (Phase.ERROR, f"error in exit template execution : {notice.raised}")
    elif phase is Phase.SUCCEEDED and node.phase.unsuccessful:
        state.closing = (node.phase, node.message)
    else:
        state.closing = (phase, message)


def _waiting(state: State) -> bool:
    """Whether a timer or the user will bring the run on: a back-off, a deadline, a release."""
    return state.suspended or any(
        isinstance(frame, SuspendFrame)
        or (isinstance(frame, RetryFrame) and frame.wakes_at is not None)
        for frame in state.frames.values()
    )


def _stuck(state: State) -> None:
    """Nothing runs, nothing will: say so, where Argo would wait for ever (rule 28)."""
    names = [state.nodes[node_id].display_name for node_id in state.frames]
    state.closing = (
        Phase.ERROR,
        f"nothing is left that could bring this run on; unfinished: {', '.join(names[:5])}",
    )


def _close(state: State, phase: Phase, message: str) -> None:
    state.phase, state.message, state.finished_at = phase, message, state.now
    variables.tick(state)
    state.actions.append(Finish(phase=phase, message=message))
