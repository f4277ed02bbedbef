"""Steps: groups one after the other, the steps of a group at once (rules 5, 22)."""

from dataclasses import replace

from tiphys.engine import (
    calls,
    exit_handlers,
    loops,
    outputs,
    pods,
    rewrite,
    scope,
    tree,
    variables,
)
from tiphys.engine.faults import DeadlockError, TemplateError
from tiphys.engine.node import NodeType, Phase
from tiphys.engine.state import (
    Assess,
    Bound,
    Context,
    Ended,
    Enter,
    Site,
    State,
    StepResult,
    StepsFrame,
    Supplied,
)
from tiphys.manifest.model import Call

EMPTY = "Skipped, empty params"
Expanded = list[tuple[calls.Prepared, list[Call]]]


def begin(state: State, site: Site, bound: Bound, context: Context) -> None:
    """Make the Steps node and its first group."""
    node = tree.add(state, site, NodeType.STEPS, Phase.RUNNING)
    tree.receive(state, node.id, bound)
    frame = StepsFrame(
        id=node.id,
        site=site,
        template=bound.template,
        context=context,
        wanted=pods.wanted(bound.template),
    )
    state.frames[node.id] = frame
    next_group(state, frame)


def next_group(state: State, frame: StepsFrame) -> None:
    """Make the next group and start its steps; without one, succeed."""
    frame.group += 1
    groups = frame.template.steps or ()
    if frame.group == len(groups):
        succeed(state, frame)
        return
    _make_group(state, frame)
    try:
        expanded = _expanded(state, frame, groups[frame.group])
    except DeadlockError as error:
        hang(state, frame, str(error))
        return
    except TemplateError as error:
        message = f"failed to resolve references: {error}"
        fail(state, frame, message, Phase.ERROR)
        return
    for prepared, several in expanded:
        if not _begin_step(state, frame, prepared, several):
            return
    state.notices.append(Assess(node=frame.id))


def _make_group(state: State, frame: StepsFrame) -> None:
    """Make the group's node below all that the group before it ended with (rule 5)."""
    site = Site(
        name=f"{frame.site.name}[{frame.group}]",
        call=Call(name=""),
        owner=frame.id,
        boundary=frame.id,
        context=frame.context,
    )
    before, children = frame.group_id, frame.children
    frame.group_id = tree.add(state, site, NodeType.STEP_GROUP, Phase.RUNNING).id
    frame.children, frame.calls = [], {}
    if not children:
        tree.link(state, before or frame.id, frame.group_id)
    for child in children:
        for last in tree.outbound(state, child):
            tree.link(state, last, frame.group_id)


def _expanded(state: State, frame: StepsFrame, group: tuple[Call, ...]) -> Expanded:
    """Return each step of a group filled in, with the calls that it stands for."""
    found: Expanded = []
    for step in group:
        prepared = calls.prepare(step, lambda call: scope.view(state, frame, rewrite.texts(call)))
        several = [prepared.call]
        if calls.loops(step):
            several = loops.expanded(prepared.call, prepared.words or variables.words(state))
        found.append((prepared, several))
    return found


def _begin_step(
    state: State, frame: StepsFrame, prepared: calls.Prepared, several: list[Call]
) -> bool:
    """Start one step of the group, or all its loop; return whether the group goes on."""
    if not several:
        _idle(state, _site(frame, prepared.call), frame, Phase.SKIPPED, EMPTY)
    for call in several:
        site = _site(frame, call)
        try:
            proceeds = calls.holds(call.when)
        except TemplateError as error:
            _idle(state, site, frame, Phase.ERROR, str(error))
            fail(state, frame, str(error), Phase.ERROR)
            return False
        if proceeds:
            _enter(state, frame, site, prepared.supplied(call))
        else:
            _idle(state, site, frame, Phase.SKIPPED, f"when '{call.when}' evaluated false")
    return True


def _site(frame: StepsFrame, call: Call) -> Site:
    return Site(
        name=f"{frame.site.name}[{frame.group}].{call.name}",
        call=call,
        owner=frame.id,
        boundary=frame.id,
        context=frame.context,
        depth=frame.site.depth + 1,
        exit_handler=frame.site.exit_handler,
    )


def _enter(state: State, frame: StepsFrame, site: Site, supplied: Supplied) -> None:
    node_id = tree.identify(state, site.name)
    frame.children.append(node_id)
    frame.calls[node_id] = site.call
    frame.open += 1
    tree.link(state, frame.group_id, node_id)
    state.entries.append(Enter(site=site, supplied=supplied))


def _idle(state: State, site: Site, frame: StepsFrame, phase: Phase, message: str) -> None:
    """Make the node of a step that does not run; its `continueOn` does not count."""
    node = tree.add(state, site, NodeType.SKIPPED, phase, message)
    frame.children.append(node.id)
    frame.calls[node.id] = replace(site.call, continue_on=None)
    tree.link(state, frame.group_id, node.id)


def ended(state: State, frame: StepsFrame, notice: Ended) -> None:
    """A step, or the exit handler of one, has ended."""
    node = state.nodes[notice.node]
    if notice.raised is not None and notice.node not in frame.handlers:
        message = f"step group deemed errored due to child {node.name} error: {notice.raised}"
        fail(state, frame, message, Phase.ERROR)
        return
    if notice.node in frame.handlers:
        del frame.handlers[notice.node]
    elif exit_handlers.offer(state, frame, node, frame.calls[node.id]):
        return
    frame.open -= 1
    assess(state, frame)


def assess(state: State, frame: StepsFrame) -> None:
    """End the group if all its steps have, and go on to the next."""
    if frame.open:
        return
    for child in frame.children:
        if _unforgiven(state, frame, child):
            fail(state, frame, f"child '{child}' failed", Phase.FAILED)
            return
    tree.phase(state, frame.group_id, Phase.SUCCEEDED)
    _remember(frame)
    next_group(state, frame)


def _unforgiven(state: State, frame: StepsFrame, child: str) -> bool:
    forgiven = frame.calls[child].continue_on
    match state.nodes[child].phase:
        case Phase.FAILED:
            return not (forgiven and forgiven.failed)
        case Phase.ERROR:
            return not (forgiven and forgiven.error)
        case _:
            return False


def _remember(frame: StepsFrame) -> None:
    """Let later groups see the steps of this one, a loop's children by index."""
    inside: dict[str, list[str]] = {}
    for child in frame.children:
        inside.setdefault(frame.calls[child].name.partition("(")[0], []).append(child)
    for step in (frame.template.steps or ())[frame.group]:
        own = inside[step.name]
        if frame.calls[own[0]].name == step.name:
            result = StepResult(call=frame.calls[own[0]], node=own[0])
        else:
            result = StepResult(call=step, node=frame.group_id, children=tuple(own))
        frame.results[step.name] = result


def fail(state: State, frame: StepsFrame, message: str, group: Phase) -> None:
    """End group and template: the template is Failed even where the group is an Error (rule 22)."""
    tree.phase(state, frame.group_id, group, message)
    _set_outbound(state, frame)
    tree.finish(state, frame.id, Phase.FAILED, message)


def hang(state: State, frame: StepsFrame, message: str) -> None:
    """End what would hang in Argo: an Error all the way up (rule 28)."""
    tree.phase(state, frame.group_id, Phase.ERROR, message)
    _set_outbound(state, frame)
    tree.finish(state, frame.id, Phase.ERROR, message)


def succeed(state: State, frame: StepsFrame) -> None:
    """Give the template's outputs."""
    _set_outbound(state, frame)
    try:
        view = scope.view(state, frame, outputs.texts(frame.template))
        tree.give(state, frame.id, given := outputs.collected(frame.template, view))
    except TemplateError as error:
        tree.finish(state, frame.id, Phase.ERROR, str(error), raised=str(error))
        return
    outputs.export(state, frame.template, given)
    tree.finish(state, frame.id, Phase.SUCCEEDED)


def _set_outbound(state: State, frame: StepsFrame) -> None:
    last = (node for child in frame.children for node in tree.outbound(state, child))
    state.outbound[frame.id] = tuple(dict.fromkeys(last))
