"""Calls: the template that a step or task calls exists and gets the arguments it needs."""

from tiphys.errors import nearest
from tiphys.manifest.model import (
    Arguments,
    Artifact,
    Call,
    Parameter,
    Position,
    Template,
    TemplateRef,
)
from tiphys.manifest.problem import Findings
from tiphys.manifest.rules import names, siblings
from tiphys.manifest.rules.context import Context, close, is_dynamic, title


def check(noun: str, call: Call, context: Context) -> None:
    """Check one step or task (*noun* says which)."""
    who = f'{noun} "{call.name}"'
    _check_form(who, call, context)
    if call.template_ref:
        check_reference(call.template_ref, context.at(call.at, "templateRef"), context)
    elif call.template:
        check_name(call.template, context.at(call.at, "template"), context)
    if call.on_exit:
        check_name(call.on_exit, context.at(call.at, "onExit", "hooks"), context)
        check_hook(who, call.on_exit, call.on_exit_arguments, context)
    names.check_parameters("parameter", call.arguments.parameters, context.findings)
    names.check_parameters("artifact", call.arguments.artifacts, context.findings)
    _check_values(call.arguments, context.findings)
    if template := context.template_of(call):
        check_arguments(who, call, template, context.findings)


def _check_form(who: str, call: Call, context: Context) -> None:
    ways = {"template": call.template, "templateRef": call.template_ref, "inline": call.inline}
    written = [each for each, value in ways.items() if value]
    if len(written) != 1:
        found = f"{who} calls nothing." if not written else f"{who} has {' and '.join(written)}."
        at = context.at(call.at, *reversed(written))
        context.findings.error(at, found, "Give it one of: template, templateRef, inline.")
    loops = {
        "withItems": call.with_items is not None,
        "withParam": call.with_param,
        "withSequence": call.with_sequence,
    }
    written = [each for each, value in loops.items() if value]
    if len(written) > 1:
        found = f"{who} has {' and '.join(written)}."
        context.findings.error(context.at(call.at, *reversed(written)), found, "Keep one of them.")
    if call.with_sequence and call.with_sequence.count and call.with_sequence.end:
        found = f"{who} has a sequence with `count` and `end`."
        context.findings.error(context.at(call.at, "withSequence"), found, "Keep one of them.")


def check_name(name: str, at: Position, context: Context) -> None:
    """Check that a template of that name is here."""
    if not is_dynamic(name) and name not in context.local:
        found = f'there is no template "{name}".'
        context.findings.error(at, found, nearest(name, context.local))


def check_hook(who: str, name: str, given: Arguments, context: Context) -> None:
    """Check the arguments that an exit hook of *who* has of its own."""
    template = context.local.get(name)
    if template is not None and (given.parameters or given.artifacts):
        hook = Call(name="", template=name, arguments=given, at=template.at)
        check_arguments(f"the exit hook of {who}", hook, template, context.findings)


def check_reference(reference: TemplateRef, at: Position, context: Context) -> None:
    """Check that *reference* names a template of a resource among the given files."""
    if is_dynamic(reference.name + reference.template):
        return
    if not check_resource(reference, at, context):
        return
    if context.referred(reference) is None:
        shelf = context.library
        resources = shelf.cluster_templates if reference.cluster_scope else shelf.templates
        known = [each.name for each in resources[reference.name].spec.templates]
        found = f'{reference.name} has no template "{reference.template}".'
        context.findings.error(at, found, nearest(reference.template, known))


def check_resource(reference: TemplateRef, at: Position, context: Context) -> bool:
    """Report and return False if the given files lack the resource that *reference* names."""
    cluster, library = reference.cluster_scope, context.library
    kind = "ClusterWorkflowTemplate" if cluster else "WorkflowTemplate"
    shelf = library.cluster_templates if cluster else library.templates
    if reference.name in shelf:
        return True
    found = f'there is no {kind} "{reference.name}" in the given files.'
    sibling = siblings.defining(context.folder, kind, reference.name)
    advice = f"Add {sibling} to the command." if sibling else "Add the file that defines it."
    context.findings.error(at, found, advice)
    return False


def _check_values(arguments: Arguments, findings: Findings) -> None:
    for each in arguments.parameters:
        if each.name and each.value is None and each.value_from is None:
            found = f'argument "{each.name}" has no value.'
            findings.error(each.at, found, "Add `value:`.")
    for artifact in arguments.artifacts:
        if artifact.from_ and artifact.from_expression:
            found = f'argument "{artifact.name}" has `from` and `fromExpression`.'
            findings.error(artifact.at, found, "Keep one of them.")
        elif not (artifact.from_ or artifact.from_expression or artifact.location):
            found = f'artifact argument "{artifact.name}" comes from nowhere.'
            findings.error(artifact.at, found, "Add `from:` or a location such as `s3:`.")


def check_arguments(who: str, call: Call, template: Template, findings: Findings) -> None:
    """Compare the arguments of *call*, which is *who* in messages, with what *template* takes.

    One too many is only a warning: Argo ignores it.
    """
    inputs, arguments = template.inputs, call.arguments
    parameters = {each.name: needs_value(each) for each in inputs.parameters}
    artifacts = {each.name: needs_artifact(each) for each in inputs.artifacts}
    for noun, wanted, given in (
        ("parameter", parameters, {each.name: each.at for each in arguments.parameters}),
        ("artifact", artifacts, {each.name: each.at for each in arguments.artifacts}),
    ):
        for name, at in given.items():
            if name and name not in wanted:
                found = f'{who} passes {noun} "{name}", which {title(template)} does not declare.'
                findings.warn(at, found, close(name, wanted))
        for name, needed in wanted.items():
            if needed and name not in given:
                found = f'{who} does not pass {noun} "{name}", which {title(template)} needs.'
                findings.error(call.at, found, "Add it to its arguments.")


def needs_value(parameter: Parameter) -> bool:
    """Whether an input parameter must be passed (rule 30)."""
    given = (parameter.value, parameter.default, parameter.value_from)
    return all(each is None for each in given)


def needs_artifact(artifact: Artifact) -> bool:
    return not artifact.optional and artifact.location is None
