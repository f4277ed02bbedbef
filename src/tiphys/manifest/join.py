"""The effective workflow: its spec joined with the one it refers to, defaults under every template.

Argo does both with a strategic merge of Go structs, where an empty value is an absent one. The
same on our dataclasses: lists of things with names are merged by name, everything else is taken
whole from the nearer side.
"""

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from tiphys.errors import UnknownNameError
from tiphys.manifest import decode
from tiphys.manifest.model import (
    Json,
    Library,
    Manifest,
    Parameter,
    Resource,
    Template,
    TemplateKind,
    TemplateRef,
    WorkflowSpec,
)

T = TypeVar("T")


def joined(manifest: Manifest) -> Resource:
    """Return the effective workflow (rules 59, 60).

    That is `manifest.main` with

    - the spec of its `workflowTemplateRef` merged under its own, so that `spec.templates` holds
      every template that a name without `templateRef` can mean;
    - `templateDefaults` merged under each of those templates. A template reached through a
      `templateRef` gets them from `with_defaults(template, resource.spec.template_defaults)`.

    `raw` stays that of `main`, as Argo leaves a workflow's own spec alone. A manifest that `load`
    gave never raises here.

    Raises:
        UnknownNameError: the library has no template of that name.
    """
    main = manifest.main
    spec = main.spec
    if spec.workflow_template_ref:
        spec = _joined_spec(spec, referenced(manifest.library, spec.workflow_template_ref).spec)
    templates = tuple(with_defaults(each, spec.template_defaults) for each in spec.templates)
    return replace(main, spec=replace(spec, templates=templates))


def referenced(library: Library, reference: TemplateRef) -> Resource:
    """Return the WorkflowTemplate or ClusterWorkflowTemplate that *reference* names.

    Raises:
        UnknownNameError: there is none.
    """
    shelf = library.cluster_templates if reference.cluster_scope else library.templates
    kind = "ClusterWorkflowTemplate" if reference.cluster_scope else "WorkflowTemplate"
    if reference.name not in shelf:
        raise UnknownNameError("", kind, reference.name, shelf)
    return shelf[reference.name]


def with_defaults(template: Template, defaults: Mapping[str, Json] | None) -> Template:
    """Return *template* with `templateDefaults` under it.

    A default for containers, scripts, steps or a DAG applies to templates of that type only.
    """
    if not defaults:
        return template
    own = _type(template)
    fitting = {key: value for key, value in defaults.items() if key not in _TYPES or key == own}
    return merge(template, decode.decode_template({**fitting, "name": template.name}))


_TYPES = frozenset({"container", "script", "steps", "dag", "suspend"})


def _type(template: Template) -> str:
    match template.kind:
        case TemplateKind.STEPS:
            return "steps"
        case TemplateKind.DAG:
            return "dag"
        case TemplateKind.SUSPEND:
            return "suspend"
        case TemplateKind.POD:
            script = template.container and template.container.source is not None
            return "script" if script else "container"


def _joined_spec(own: WorkflowSpec, referenced: WorkflowSpec) -> WorkflowSpec:
    """Return *own* over *referenced*; a parameter with a value is taken whole (rule 59)."""
    spec = merge(own, referenced)
    given = {each.name: each for each in own.arguments.parameters if _has_value(each)}
    parameters = tuple(given.get(each.name, each) for each in spec.arguments.parameters)
    return replace(spec, arguments=replace(spec.arguments, parameters=parameters))


def _has_value(parameter: Parameter) -> bool:
    given = (parameter.value, parameter.default, parameter.value_from)
    return any(each is not None for each in given)


def merge(near: T, far: T) -> T:
    """Return *near* with what it lacks taken from *far*."""
    return cast("T", _merged(near, far))


def _merged(near: Any, far: Any) -> Any:
    if is_dataclass(near) and type(near) is type(far):
        values = {
            each.name: _merged_field(each, getattr(near, each.name), getattr(far, each.name))
            for each in fields(near)
            if each.name != "at"
        }
        return replace(cast("Any", near), **values)
    if isinstance(near, Mapping) and isinstance(far, Mapping):
        return {**far, **{key: _merged(value, far.get(key)) for key, value in near.items()}}
    if isinstance(near, tuple) and isinstance(far, tuple) and _named(near + far):
        return _merged_lists(near, far)
    return near


def _merged_field(field: Field[Any], near: Any, far: Any) -> Any:
    """Return *far* where *near* is absent: empty, or the default, which nobody can have written."""
    absent = near is field.default or near in (None, "", ())
    return far if absent and far is not None else _merged(near, far)


def _named(items: tuple[Any, ...]) -> bool:
    return all(hasattr(each, "name") for each in items)


def _merged_lists(near: tuple[Any, ...], far: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return *far*'s items in their order, each under its namesake, then *near*'s own."""
    nearer = {each.name: each for each in near}
    both = [_merged(nearer[each.name], each) if each.name in nearer else each for each in far]
    known = {each.name for each in far}
    return (*both, *(each for each in near if each.name not in known))
