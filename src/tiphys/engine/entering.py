"""Calling a template: find it, settle its inputs, and make what it is of."""

from collections import deque
from datetime import datetime

from tiphys.engine import (
    attempts,
    dag,
    inputs,
    limits,
    locks,
    naming,
    pods,
    steps,
    suspends,
    templates,
    tree,
    variables,
)
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import NodeType, Phase
from tiphys.engine.rerun import reinstated
from tiphys.engine.state import (
    Attempt,
    Bound,
    Context,
    DagFrame,
    Enter,
    RetryFrame,
    Site,
    State,
)
from tiphys.manifest.model import Template, TemplateKind

DEEPEST = 100
TOO_DEEP = (
    "Maximum recursion depth exceeded. See https://argo-workflows.readthedocs.io/en/latest/scaling/"
)


def enter(state: State, item: Enter) -> None:
    """Call a template, unless nobody waits for it any more or a limit says later."""
    site = item.site
    if _too_late(state, item) or reinstated(state, site):
        return
    if site.depth >= DEEPEST:
        refuse(state, site, TOO_DEEP, quiet=True)
        return
    try:
        bound, context = bind(state, item)
        _check_display(bound)
        locked = bound.template.synchronization
        if locked and not locks.taken(state, item, locked):
            return
    except TemplateError as error:
        refuse(state, site, str(error))
        return
    if bound.template.retry_strategy is not None:
        attempts.begin(
            state,
            RetryFrame(id=tree.identify(state, site.name), site=site, bound=bound, context=context),
        )
    else:
        run(state, site, bound, context)


def attempt(state: State, item: Attempt) -> None:
    """Run the next attempt below a Retry node."""
    if not _too_late(state, item):
        run(state, item.site, item.bound, item.context, item.cut_off)


def _too_late(state: State, item: Enter | Attempt) -> bool:
    """Whether *item* is dropped, or put aside for a parallelism limit."""
    owner = item.site.owner
    if owner is not None and not tree.alive(state, owner):
        return True
    if limits.failing(state, item.site.boundary):
        return True
    key = limits.blocker(state, item)
    if key is not None:
        state.deferred.setdefault(key[0], deque()).append(item)
    return key is not None


def bind(state: State, item: Enter) -> tuple[Bound, Context]:
    """Return the called template, all settled, and the context of what is inside it."""
    template, context = templates.find(state, item.site.context, item.site.call)
    words = variables.words(state).more(local_names(state, item.site, template))
    return inputs.bind(state, template, item.supplied, words), context


def _check_display(bound: Bound) -> None:
    shown = bound.template.annotations.get(naming.DISPLAY)
    if shown and naming.DISPLAYABLE.fullmatch(shown) is None:
        raise TemplateError("displayName", f"must match the regex ^{naming.DISPLAYABLE.pattern}$")


def local_names(state: State, site: Site, template: Template) -> dict[str, str | None]:
    """Return the names that the place of a call gives to the template called."""
    task = isinstance(state.frames.get(site.boundary or ""), DagFrame) and not site.hooked
    names: dict[str, str | None] = {
        "node.name": site.name,
        "tasks.name" if task else "steps.name": site.call.name,
    }
    if template.kind is TemplateKind.POD and template.retry_strategy is None:
        names["pod.name"] = naming.pod_name(state.begun.name, site.name, template.name)
    return names


def run(
    state: State, site: Site, bound: Bound, context: Context, cut_off: datetime | None = None
) -> None:
    """Make what the template is: a pod, steps, a DAG or a wait."""
    match bound.template.kind:
        case TemplateKind.POD:
            pods.start(state, site, bound, cut_off)
        case TemplateKind.STEPS:
            steps.begin(state, site, bound, context)
        case TemplateKind.DAG:
            dag.begin(state, site, bound, context)
        case TemplateKind.SUSPEND:
            suspends.begin(state, site, bound)


def refuse(state: State, site: Site, message: str, *, quiet: bool = False) -> None:
    """Make a node that is an Error because its template cannot be called (rule 25)."""
    node = tree.add(state, site, NodeType.SKIPPED, Phase.ERROR, message)
    tree.finish(state, node.id, Phase.ERROR, raised=None if quiet else message)
