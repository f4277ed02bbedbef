"""The manifest as a whole: each resource by the rules, then what the main workflow starts with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tiphys.errors import nearest
from tiphys.manifest import crons, decode, tree
from tiphys.manifest.document import Document, resources
from tiphys.manifest.join import joined
from tiphys.manifest.model import (
    Kind,
    Library,
    Manifest,
    Position,
    Resource,
    Template,
    WorkflowSpec,
)
from tiphys.manifest.problem import Findings
from tiphys.manifest.rules import calls, names, templates
from tiphys.manifest.rules.context import Context, Globals, is_dynamic


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """What all resources share."""

    library: Library
    trees: Mapping[Position, tree.Mapping]
    outputs: Mapping[str, frozenset[str] | None]
    given: frozenset[str]
    folder: Path


def check(
    manifest: Manifest,
    documents: Sequence[Document],
    given: frozenset[str],
    findings: Findings,
) -> None:
    """Report every rule that *manifest*, made of *documents*, breaks.

    *given* are the names of the parameters that the run gets beside it.
    """
    all_resources = [value for _, value in resources(documents)]
    whole = _Whole(
        library=manifest.library,
        trees=_mappings(each.tree for each in documents),
        outputs=_global_names(all_resources),
        given=given,
        folder=Path(manifest.files[0]).parent,
    )
    effective = _effective(manifest, whole, findings)
    for document, resource in resources(documents):
        name = decode.get(document.tree, "metadata", "name")
        names.check_resource(resource, name.at if name.at.line else document.tree.at, findings)
        if resource.kind is Kind.CRON_WORKFLOW:
            crons.check(document.tree, findings)
        in_run = resource.spec is manifest.main.spec or _is_referred(resource, manifest.main)
        spec = effective.spec if effective and in_run else resource.spec
        context = _context(spec, whole, findings, in_run=in_run and effective is not None)
        _check_spec(resource.spec, context)
    if effective:
        _check_start(effective.spec, _context(effective.spec, whole, findings, in_run=True))


def _mappings(values: Iterable[tree.Value]) -> Mapping[Position, tree.Mapping]:
    found = (each for value in values for each in tree.walk(value))
    return {each.at: each for each in found if isinstance(each, tree.Mapping)}


def _effective(manifest: Manifest, whole: _Whole, findings: Findings) -> Resource | None:
    """Return the joined workflow; None, with a report, if what it refers to is missing."""
    spec = manifest.main.spec
    if spec.workflow_template_ref:
        context = _context(spec, whole, findings, in_run=False)
        at = context.at(spec.at, "workflowTemplateRef")
        if is_dynamic(spec.workflow_template_ref.name):
            findings.error(at, "`workflowTemplateRef` cannot hold tags.")
            return None
        if not calls.check_resource(spec.workflow_template_ref, at, context):
            return None
        if spec.templates:
            found = "a workflow with `workflowTemplateRef` has no templates of its own."
            advice = "Move them into the WorkflowTemplate."
            findings.error(context.at(spec.at, "templates"), found, advice)
    return joined(manifest)


def _is_referred(resource: Resource, main: Resource) -> bool:
    ref = main.spec.workflow_template_ref
    if ref is None or ref.name != resource.name:
        return False
    kind = Kind.CLUSTER_WORKFLOW_TEMPLATE if ref.cluster_scope else Kind.WORKFLOW_TEMPLATE
    return resource.kind is kind


def _context(spec: WorkflowSpec, whole: _Whole, findings: Findings, *, in_run: bool) -> Context:
    declared = whole.given | {each.name for each in spec.arguments.parameters}
    return Context(
        findings=findings,
        library=whole.library,
        local={each.name: each for each in spec.templates},
        trees=whole.trees,
        globals=Globals(parameters=declared if in_run else None, outputs=whole.outputs),
        defaults=spec.template_defaults or {},
        folder=whole.folder,
    )


def _global_names(all_resources: Iterable[Resource]) -> Mapping[str, frozenset[str] | None]:
    """Return the names outputs are exported by; None for a kind where one is known only later."""
    outputs = [each.outputs for resource in all_resources for each in _templates(resource)]
    parameters = {each.global_name for output in outputs for each in output.parameters}
    artifacts = {each.global_name for output in outputs for each in output.artifacts}
    return {"parameters": _static(parameters), "artifacts": _static(artifacts)}


def _templates(resource: Resource) -> Iterator[Template]:
    for template in resource.spec.templates:
        yield template
        _, called = templates.called_by(template)
        yield from (each.inline for each in called if each.inline)


def _static(found: set[str | None]) -> frozenset[str] | None:
    given = frozenset(each for each in found if each)
    return None if any(is_dynamic(each) for each in given) else given


def _check_spec(spec: WorkflowSpec, context: Context) -> None:
    names.check_fields("template", spec.templates, context.findings)
    names.check_parameters("parameter", spec.arguments.parameters, context.findings)
    names.check_parameters("artifact", spec.arguments.artifacts, context.findings)
    for each in spec.arguments.parameters:
        if each.enum and each.value is not None and each.value not in each.enum:
            found = f'parameter "{each.name}" cannot be "{each.value}".'
            context.findings.error(each.at, found, nearest(each.value, each.enum))
    for template in spec.templates:
        templates.check(template, context)


def _check_start(spec: WorkflowSpec, context: Context) -> None:
    """Check the entrypoint and the exit handler, which both get the workflow's arguments."""
    if not spec.entrypoint:
        found = "the workflow has no entrypoint."
        known = f" with one of: {', '.join(context.local)}" if context.local else ""
        context.findings.error(spec.at, found, f"Add `entrypoint:`{known}.")
        return
    starts = {"entrypoint": spec.entrypoint, "onExit": spec.on_exit}
    for field, name in starts.items():
        if name is None:
            continue
        at = context.at(spec.at, field)
        calls.check_name(name, at, context)
        own = spec.on_exit_arguments
        if field == "onExit" and (own.parameters or own.artifacts):
            calls.check_hook("the workflow", name, own, context)
        elif name in context.local:
            _check_given(context.local[name], spec, at, context)


_DECLARE = "Add it to `spec.arguments.parameters` or pass `-p {name}=…`."


def _check_given(template: Template, spec: WorkflowSpec, at: Position, context: Context) -> None:
    given = context.globals.parameters or frozenset()
    for parameter in template.inputs.parameters:
        if calls.needs_value(parameter) and parameter.name not in given:
            found = f'template "{template.name}" needs parameter "{parameter.name}".'
            context.findings.error(at, found, _DECLARE.replace("{name}", parameter.name))
    artifacts = {each.name for each in spec.arguments.artifacts}
    for artifact in template.inputs.artifacts:
        if calls.needs_artifact(artifact) and artifact.name not in artifacts:
            found = f'template "{template.name}" needs artifact "{artifact.name}".'
            context.findings.error(at, found, "Add it to `spec.arguments.artifacts`.")
