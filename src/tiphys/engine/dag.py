"""DAGs: a task starts when every task it names has ended, and `depends` holds (rules 16 to 20)."""

from dataclasses import replace

from tiphys import expression
from tiphys.engine import (
    calls,
    dag_phase,
    deadlines,
    exit_handlers,
    loops,
    outputs,
    plan,
    pods,
    rewrite,
    scope,
    tree,
    variables,
)
from tiphys.engine.faults import DeadlockError, TemplateError
from tiphys.engine.node import Node, NodeType, Phase
from tiphys.engine.plan import Plan
from tiphys.engine.state import (
    Assess,
    Bound,
    Context,
    DagFrame,
    Ended,
    Enter,
    LoopFrame,
    Ready,
    Site,
    State,
    Supplied,
)
from tiphys.engine.words import said
from tiphys.expression import ExpressionError
from tiphys.manifest.model import Call, Dag

OMITTED = "omitted: depends condition not met"
UNEVALUATED = "unable to evaluate expression"
EMPTY = "Skipped, empty params"


def begin(state: State, site: Site, bound: Bound, context: Context) -> None:
    """Make the DAG's node and start the tasks that wait for nothing."""
    node = tree.add(state, site, NodeType.DAG, Phase.RUNNING)
    tree.receive(state, node.id, bound)
    tasks = (bound.template.dag or Dag(tasks=())).tasks
    try:
        planned = _plan(state, bound)
    except TemplateError as error:
        tree.finish(state, node.id, Phase.ERROR, str(error), raised=str(error))
        return
    frame = DagFrame(
        id=node.id,
        site=site,
        template=bound.template,
        context=context,
        plan=planned,
        tasks={task.name: task for task in tasks},
        wanted=pods.wanted(bound.template),
        missing={name: len(needs) for name, needs in planned.dependencies.items()},
    )
    state.frames[node.id] = frame
    for name, count in frame.missing.items():
        if not count:
            _ready(state, frame, name)
    state.notices.append(Assess(node=node.id))


def _plan(state: State, bound: Bound) -> Plan:
    """Return the plan of a DAG; the same for all its runs in which no tag changes it."""
    dag = bound.template.dag or Dag(tasks=())
    key = (id(bound.written), dag.target, *(task.depends for task in dag.tasks))
    known = state.plans.get(key)
    if known is None:
        known = state.plans[key] = (bound.written, plan.plan(dag))
    return known[1]


def _ready(state: State, frame: DagFrame, task: str) -> None:
    frame.open += 1
    state.entries.append(Ready(dag=frame.id, task=task))


def start(state: State, item: Ready) -> None:
    """Start a task all of whose dependencies have ended, or find out that it does not run."""
    frame = state.frames.get(item.dag)
    if not isinstance(frame, DagFrame) or not tree.alive(state, item.dag):
        return
    task = frame.tasks[item.task]
    site = _site(frame, task)
    node_id = tree.identify(state, site.name)
    frame.nodes[task.name], frame.names[node_id] = node_id, task.name
    try:
        if not _wanted(state, frame, task.name):
            _idle(state, frame, site, Phase.OMITTED, OMITTED)
            return
        prepared = calls.prepare(
            task, lambda call: scope.view(state, frame, rewrite.texts(call), task.name)
        )
        if calls.loops(task):
            _loop(state, frame, site, prepared)
            return
    except TemplateError as error:
        if isinstance(error, DeadlockError):
            state.deadlock = state.deadlock or str(error)
        _idle(state, frame, site, Phase.ERROR, str(error))
        return
    if prepared.refused:
        _idle(state, frame, site, Phase.SKIPPED, f"when '{prepared.call.when}' evaluated false")
        return
    _connect(state, frame, task.name, node_id)
    site = replace(site, call=prepared.call)
    state.entries.append(Enter(site=site, supplied=prepared.supplied(prepared.call)))


def _site(frame: DagFrame, task: Call) -> Site:
    return Site(
        name=f"{frame.site.name}.{task.name}",
        call=task,
        owner=frame.id,
        boundary=frame.id,
        context=frame.context,
        depth=frame.site.depth + 1,
        exit_handler=frame.site.exit_handler,
    )


def _wanted(state: State, frame: DagFrame, task: str) -> bool:
    """Whether `depends` holds.

    Raises: TemplateError: it cannot be evaluated.
    """
    logic = frame.plan.logic[task]
    results = {
        name: _results(state, state.nodes[frame.nodes[name]])
        for name in frame.plan.dependencies[task]
    }
    try:
        return not logic or expression.depends(logic, results, frame.plan.tolerated)
    except ExpressionError as error:
        raise TemplateError(UNEVALUATED, said(error)) from error


def _results(state: State, node: Node) -> dict[str, bool]:
    """Return what `depends` may ask of a task (rule 17)."""
    inside = tree.children(state, node.id) if node.type is NodeType.TASK_GROUP else ()
    phases = [state.nodes[child].phase for child in inside]
    return {
        "Succeeded": node.phase is Phase.SUCCEEDED,
        "Failed": node.phase is Phase.FAILED,
        "Errored": node.phase is Phase.ERROR,
        "Skipped": node.phase is Phase.SKIPPED,
        "Omitted": node.phase is Phase.OMITTED,
        "AnySucceeded": Phase.SUCCEEDED in phases,
        "AllFailed": bool(phases) and all(phase is Phase.FAILED for phase in phases),
    }


def _connect(state: State, frame: DagFrame, task: str, node_id: str) -> None:
    """Hang a task below what it depends on, else below the DAG."""
    needs = frame.plan.dependencies[task]
    if not needs:
        tree.link(state, frame.id, node_id)
    for name in needs:
        for last in tree.outbound(state, frame.nodes[name]):
            tree.link(state, last, node_id)


def _idle(state: State, frame: DagFrame, site: Site, phase: Phase, message: str) -> None:
    """Make the node of a task that does not run."""
    node = tree.add(state, site, NodeType.SKIPPED, phase, message)
    _connect(state, frame, frame.names[node.id], node.id)
    done(state, frame, node.id)


def _loop(state: State, frame: DagFrame, site: Site, prepared: calls.Prepared) -> None:
    """Make the TaskGroup of a looping task and start its children (rules 10, 11)."""
    words = prepared.words or variables.words(state)
    expanded = loops.expanded(prepared.call, words)
    if not expanded:
        _idle(state, frame, site, Phase.SKIPPED, EMPTY)
        return
    group = tree.add(state, site, NodeType.TASK_GROUP, Phase.RUNNING)
    _connect(state, frame, frame.names[group.id], group.id)
    inside = LoopFrame(id=group.id, site=site, context=frame.context, open=len(expanded))
    state.frames[group.id] = inside
    for call in expanded:
        child = replace(site, name=f"{frame.site.name}.{call.name}", call=call, owner=group.id)
        _loop_child(state, inside, child, prepared.supplied(call))
    state.notices.append(Assess(node=group.id))


def _loop_child(state: State, group: LoopFrame, site: Site, supplied: Supplied) -> None:
    node_id = tree.identify(state, site.name)
    group.children.append(node_id)
    group.calls[node_id] = site.call
    tree.link(state, group.id, node_id)
    try:
        if calls.holds(site.call.when):
            state.entries.append(Enter(site=site, supplied=supplied))
            return
        phase, message = Phase.SKIPPED, f"when '{site.call.when}' evaluated false"
    except TemplateError as error:
        phase, message = Phase.ERROR, str(error)
    tree.add(state, site, NodeType.SKIPPED, phase, message)
    group.open -= 1


def loop_ended(state: State, frame: LoopFrame, notice: Ended) -> None:
    """A child of a TaskGroup, or its exit handler, has ended."""
    node = state.nodes[notice.node]
    if notice.node in frame.handlers:
        del frame.handlers[notice.node]
    elif notice.raised is not None:
        tree.phase(state, node.id, Phase.ERROR, _errored(node, notice.raised))
    elif not _cut_off(state, frame, node.id) and exit_handlers.offer(
        state, frame, node, frame.calls[node.id]
    ):
        return
    frame.open -= 1
    assess_loop(state, frame)


def assess_loop(state: State, frame: LoopFrame) -> None:
    """End the TaskGroup if all its children have: as the last unsuccessful one (rule 11)."""
    if frame.open:
        return
    phases = [state.nodes[child].phase for child in frame.children]
    failed = [phase for phase in phases if phase.unsuccessful]
    tree.finish(state, frame.id, failed[-1] if failed else Phase.SUCCEEDED)


def _errored(node: Node, message: str) -> str:
    return f"task '{node.name}' errored: {message}"


def ended(state: State, frame: DagFrame, notice: Ended) -> None:
    """A task, or the exit handler of one, has ended."""
    node = state.nodes[notice.node]
    if notice.node in frame.handlers:
        done(state, frame, frame.handlers.pop(notice.node))
        return
    if notice.raised is not None:
        tree.phase(state, node.id, Phase.ERROR, _errored(node, notice.raised))
    elif (
        node.type is not NodeType.TASK_GROUP
        and not _cut_off(state, frame, node.id)
        and exit_handlers.offer(state, frame, node, frame.tasks[frame.names[node.id]])
    ):
        return
    done(state, frame, node.id)


def done(state: State, frame: DagFrame, node_id: str) -> None:
    """A task and its exit handler have ended: start what waited for it alone."""
    frame.open -= 1
    task = frame.names[node_id]
    idle = exit_handlers.withheld(state, frame.tasks[task]) or _cut_off(state, frame, node_id)
    for name in () if idle else frame.plan.dependants[task]:
        frame.missing[name] -= 1
        if not frame.missing[name]:
            _ready(state, frame, name)
    if not frame.open:
        state.notices.append(Assess(node=frame.id))


def _cut_off(state: State, frame: DagFrame | LoopFrame, node_id: str) -> bool:
    """Whether a stop has ended an attempt of *node_id*: then nothing follows it (rule 49)."""
    if not state.ending(frame.site):
        return False
    inside = tree.children(state, node_id)
    match state.nodes[node_id].type:
        case NodeType.TASK_GROUP:
            return any(_cut_off(state, frame, child) for child in inside)
        case NodeType.RETRY:
            return state.nodes[inside[-1]].message.startswith(deadlines.SHUT_DOWN)
        case _:
            return False


def assess(state: State, frame: DagFrame) -> None:
    """End the DAG if all its tasks have."""
    if frame.open:
        return
    phase = dag_phase.of(state, frame)
    if not phase.fulfilled:
        return
    targets = (frame.nodes[name] for name in frame.plan.targets if name in frame.nodes)
    last = (node for target in targets for node in tree.outbound(state, target))
    state.outbound[frame.id] = tuple(dict.fromkeys(last))
    if phase is not Phase.SUCCEEDED:
        tree.finish(state, frame.id, phase)
        return
    try:
        view = scope.view(state, frame, outputs.texts(frame.template))
        tree.give(state, frame.id, given := outputs.collected(frame.template, view))
    except TemplateError as error:
        tree.finish(state, frame.id, Phase.ERROR, str(error), raised=str(error))
        return
    outputs.export(state, frame.template, given)
    tree.finish(state, frame.id, Phase.SUCCEEDED)
