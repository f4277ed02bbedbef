"""Finding the template that a call names, and the place where its own calls look (rule 62)."""

from dataclasses import replace

from tiphys import manifest
from tiphys.engine.faults import TemplateError
from tiphys.engine.state import Context, State
from tiphys.errors import nearest
from tiphys.manifest.model import Call, Template, TemplateRef


def find(state: State, context: Context, call: Call) -> tuple[Template, Context]:
    """Return the template that *call* names, and the context of what is inside it.

    Raises: TemplateError: there is none.
    """
    if call.inline is not None:
        return defaulted(state, call.inline), context
    if call.template_ref is not None:
        context = referenced(state, call.template_ref)
        return pick(state, context, call.template_ref.template), context
    return pick(state, context, call.template or ""), context


def referenced(state: State, ref: TemplateRef) -> Context:
    """Return the context of the WorkflowTemplate that *ref* names."""
    library = state.manifest.library
    shelf = library.cluster_templates if ref.cluster_scope else library.templates
    kind = "ClusterWorkflowTemplate" if ref.cluster_scope else "WorkflowTemplate"
    if ref.name not in shelf:
        advice = nearest(ref.name, shelf)
        raise TemplateError(kind, f'"{ref.name}" is not there. Give its file, too. {advice}')
    scope = f"{'cluster' if ref.cluster_scope else 'namespaced'}/{ref.name}"
    known = {template.name: template for template in shelf[ref.name].spec.templates}
    return Context(scope=scope, templates=known)


def pick(state: State, context: Context, name: str) -> Template:
    if name not in context.templates:
        place = context.scope.partition("/")[2]
        advice = nearest(name, context.templates)
        raise TemplateError("template", f'"{name}" is not in {place}. {advice}')
    return defaulted(state, context.templates[name])


def defaulted(state: State, template: Template) -> Template:
    """Return *template* with what the workflow gives to all (rules 45, 59)."""
    known = state.defaulted.get(id(template))
    if known is not None:
        return known[1]
    spec = state.workflow.spec
    full = manifest.with_defaults(template, spec.template_defaults)
    if full.retry_strategy is None and spec.retry_strategy is not None:
        full = replace(full, retry_strategy=spec.retry_strategy)
    state.defaulted[id(template)] = (template, full)
    return full
