"""What a template gives: outputs of steps and DAGs, and what is exported to the workflow."""

from collections.abc import Iterator

from tiphys.engine import artifacts, jsontext
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import ArtifactLocation, NodeOutputs
from tiphys.engine.scope import View
from tiphys.engine.state import State
from tiphys.manifest.model import Json, Parameter, Template

UNEVALUATED = "failed to evaluate expression"
ABSENT = "is an absent optional (skipped/omitted node output with no default)"
UNRESOLVED = "unable to resolve outputs from scope:"


def texts(template: Template) -> Iterator[str]:
    """Yield every text that the outputs of *template* are made from."""
    for parameter in template.outputs.parameters:
        if parameter.value_from is not None:
            yield parameter.value_from.parameter or parameter.value_from.expression or ""
    for artifact in template.outputs.artifacts:
        yield artifact.from_ or artifact.from_expression or ""


def collected(template: Template, view: View) -> NodeOutputs:
    """Return the outputs of a steps or DAG template.

    Raises: TemplateError: one cannot be resolved.
    """
    parameters = {one.name: value(one, view) for one in template.outputs.parameters}
    found: dict[str, ArtifactLocation] = {}
    for artifact in template.outputs.artifacts:
        try:
            location = artifacts.resolved(artifact, view)
        except TemplateError as error:
            if artifact.optional:
                continue
            raise TemplateError(UNRESOLVED, str(error)) from error
        if location is not None:
            found[artifact.name] = location
    return NodeOutputs(parameters=parameters, artifacts=found)


def value(declared: Parameter, view: View) -> str:
    """Return one output parameter: the reference, else its own default (rule 27)."""
    source = declared.value_from
    if source is None:
        raise TemplateError(declared.name, "is an output parameter without valueFrom")
    try:
        if source.expression is not None:
            return _evaluated(source.expression, view)
        return _referred(declared.name, source.parameter or "", view)
    except TemplateError:
        if source.default is not None:
            return source.default
        raise


def _evaluated(source: str, view: View) -> str:
    found = view.words.evaluated(source)
    if found is None:
        raise TemplateError(UNEVALUATED, f'"{source}"')
    return as_text(found)


def _referred(name: str, reference: str, view: View) -> str:
    wanted = reference.strip().removeprefix("{{").removesuffix("}}").strip()
    if wanted.startswith("="):
        return _evaluated(wanted[1:], view)
    if wanted not in view.words.names:
        raise TemplateError(artifacts.UNRESOLVED, f'"{wanted}"')
    found = view.words.names[wanted]
    if found is None:
        raise TemplateError(name, f'= "{reference}" {ABSENT}')
    return found


def as_text(found: Json) -> str:
    """Return a value as the text of a parameter (rule 31).

    >>> as_text(True), as_text(3.0), as_text("x")
    ('true', '3', 'x')
    """
    if isinstance(found, str):
        return found
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    return jsontext.compact(found)


def export(state: State, template: Template, given: NodeOutputs) -> None:
    """Make outputs with a `globalName` known to the whole workflow; later writers win (rule 38)."""
    for parameter in template.outputs.parameters:
        found = given.parameters.get(parameter.name)
        if parameter.global_name and found is not None:
            state.outputs[parameter.global_name] = found
            state.globals[f"workflow.outputs.parameters.{parameter.global_name}"] = found
    for artifact in template.outputs.artifacts:
        if artifact.global_name and artifact.name in given.artifacts:
            state.output_artifacts[artifact.global_name] = given.artifacts[artifact.name]
