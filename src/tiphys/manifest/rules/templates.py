"""Templates: one type each, and what that type allows; then its calls and its references."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tiphys.manifest import tree
from tiphys.manifest.model import Call, Inputs, Parameter, Template, TemplateKind
from tiphys.manifest.rules import calls, names, order, reading
from tiphys.manifest.rules.context import Context, close, is_dynamic, title
from tiphys.manifest.rules.reading import Scope

_RUN_HERE = ("container", "script", "steps", "dag", "suspend")
_TYPES = (*_RUN_HERE, "containerSet", "resource", "data", "http", "plugin")


def check(template: Template, context: Context, outer: Scope | None = None) -> None:
    """Check *template*; an inline one also sees the scope of its call, *outer*."""
    names.check_parameters("parameter", template.inputs.parameters, context.findings)
    names.check_parameters("artifact", template.inputs.artifacts, context.findings)
    names.check_parameters("output parameter", template.outputs.parameters, context.findings)
    names.check_parameters("output artifact", template.outputs.artifacts, context.findings)
    written = _types(template, context)
    if len(written) != 1 or written[0] not in _RUN_HERE:
        return
    if template.kind is TemplateKind.POD:
        _check_pod(template, context)
    elif template.kind is not TemplateKind.SUSPEND:
        _check_calls(template, context)
    _check_outputs(template, context)
    _check_references(template, context, outer)


def _types(template: Template, context: Context) -> list[str]:
    """Return the types that are written; report unless there is one."""
    mapping = context.trees.get(template.at, tree.Mapping())
    written = [
        each for each in mapping.entries if each in _TYPES and not tree.is_null(mapping.get(each))
    ]
    if not written:
        found = f"{title(template)} has no type."
        context.findings.error(template.at, found, f"Give it one of: {', '.join(_RUN_HERE)}.")
    for each in written[1:]:
        found = f"{title(template)} has `{written[0]}` and `{each}`."
        context.findings.error(mapping.key_at(each), found, "A template has one type: split it.")
    return written


def _check_pod(template: Template, context: Context) -> None:
    container = template.container
    name = "script" if container and container.source is not None else "container"
    defaults = (context.defaults.get(name) or {}).get("image")
    written = container and container.at in context.trees
    if container and written and not container.image and not defaults:
        found = f"{title(template)} has no image."
        context.findings.error(container.at, found, "Add `image:`.")
    if template.parallelism is not None:
        found = f"`parallelism` limits steps and dags; {title(template)} is a {name}."
        context.findings.error(context.at(template.at, "parallelism"), found)
    for artifact in (*template.inputs.artifacts, *template.outputs.artifacts):
        if not artifact.path:
            found = f'artifact "{artifact.name}" has no path in the container.'
            context.findings.error(artifact.at, found, "Add `path:`.")


def _check_calls(template: Template, context: Context) -> None:
    for field in ("timeout", "activeDeadlineSeconds"):
        at = context.at(template.at, field)
        if at != template.at:
            found = f"`{field}` limits a container; {title(template)} has none."
            context.findings.error(at, found, "Put it on the templates it calls.")
    noun, called = called_by(template)
    names.check_fields(noun, called, context.findings)
    for call in called:
        calls.check(noun, call, context)
    if template.dag:
        order.check(template.dag, context)
        if not called:
            at = context.at(template.at, "dag")
            context.findings.error(at, f"{title(template)} has no tasks.", "Add `tasks:`.")
        for target in (template.dag.target or "").split():
            known = {each.name: each for each in called}
            if not is_dynamic(target) and target not in known:
                found = f'`target` names "{target}", which is no task here.'
                context.findings.error(context.at(template.at, "dag"), found, close(target, known))


def called_by(template: Template) -> tuple[str, tuple[Call, ...]]:
    """Return the noun for what *template* calls, and all of it."""
    if template.dag:
        return "task", template.dag.tasks
    return "step", tuple(each for group in template.steps or () for each in group)


def _check_outputs(template: Template, context: Context) -> None:
    for each in template.outputs.parameters:
        if found := _fault(each, template):
            context.findings.error(each.at, f'output parameter "{each.name}" {found}')


def _fault(output: Parameter, template: Template) -> str:
    source = output.value_from
    if output.value is not None:
        return "has `value` and `valueFrom`. Keep one of them." if source else ""
    if source is None:
        return "comes from nowhere. Add `valueFrom:`."
    if template.kind is TemplateKind.POD:
        return "" if source.path else "needs `valueFrom.path`: the file that the step writes."
    if bool(source.parameter) == bool(source.expression):
        return "needs `valueFrom.parameter` or `valueFrom.expression`, one of them."
    return ""


def _check_references(template: Template, context: Context, outer: Scope | None) -> None:
    noun, called = called_by(template)
    own = {each.name: each for each in called}
    scope = outer or _NO_SCOPE
    scope = replace(
        scope,
        reader=title(template),
        template=template,
        inputs=_both(template.inputs, scope.inputs),
        calls=_joined(f"{noun}s", own, scope) if called else scope.calls,
    )
    mapping = context.trees.get(template.at, tree.Mapping())
    reading.check(mapping, _within(scope, own, lambda _: True), context)
    if template.dag:
        ancestry = order.ancestry(own)
        for call in called:
            _check_call(call, _in_task(call, own, ancestry, scope), context)
    earlier: set[str] = set()
    for group in template.steps or ():
        for call in group:
            _check_call(call, _in_step(call, own, frozenset(earlier), scope), context)
        earlier |= {each.name for each in group}


def _joined(word: str, own: Mapping[str, Call], scope: Scope) -> Mapping[str, Mapping[str, Call]]:
    return {
        word: {**scope.calls.get(word, {}), **own},
        **{other: calls for other, calls in scope.calls.items() if other != word},
    }


def _within(scope: Scope, own: Mapping[str, Call], ended: Callable[[str], bool]) -> Scope:
    """Return *scope* where *ended* decides for the template's own calls."""
    outer = scope.in_time
    return replace(
        scope, in_time=lambda word, name: ended(name) if name in own else outer(word, name)
    )


def _in_step(step: Call, own: Mapping[str, Call], earlier: frozenset[str], scope: Scope) -> Scope:
    return replace(
        _within(scope, own, lambda name: name in earlier),
        reader=f'step "{step.name}"',
        advice='Move it into a group after that of "{name}".',
    )


def _in_task(task: Call, own: Mapping[str, Call], ancestry: order.Ancestry, scope: Scope) -> Scope:
    way = "dependencies" if task.dependencies else "depends"
    return replace(
        _within(scope, own, lambda name: ancestry.holds(name, task.name)),
        reader=f'task "{task.name}"',
        advice=f'Add "{{name}}" to its {way}.',
    )


def _both(inner: Inputs, outer: Inputs) -> Inputs:
    return Inputs(
        parameters=inner.parameters + outer.parameters, artifacts=inner.artifacts + outer.artifacts
    )


_NO_SCOPE = Scope(
    reader="", template=Template(name=""), inputs=Inputs(), calls={}, in_time=lambda *_: False
)


def _check_call(call: Call, scope: Scope, context: Context) -> None:
    reading.check(context.trees.get(call.at, tree.Mapping()), scope, context)
    if call.inline:
        check(call.inline, context, scope)
