"""What a template is called with: arguments become inputs, inputs become text (rules 30, 33)."""

from dataclasses import replace

from tiphys.engine import jsontext, rewrite
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import ArtifactLocation
from tiphys.engine.state import Bound, State, Supplied
from tiphys.engine.words import Words
from tiphys.manifest.model import Artifact, ConfigMapKey, Parameter, Template, ValueFrom

ABSENT = "argument references an absent optional (skipped/omitted node output with no default)"
CONFIG_LABEL = "workflows.argoproj.io/configmap-type"


def bind(state: State, template: Template, supplied: Supplied, words: Words) -> Bound:
    """Settle the inputs of *template* and fill in its texts: globals first, then inputs.

    Raises: TemplateError: an input is not supplied, or a text cannot be filled in.
    """
    parameters = tuple(
        value_of(state, declared, supplied, words) for declared in template.inputs.parameters
    )
    inputs = replace(template.inputs, parameters=parameters)
    ready = filled(replace(template, inputs=inputs), words)
    return Bound(template=ready, written=template, artifacts=dict(located(ready, supplied)))


def value_of(state: State, declared: Parameter, supplied: Supplied, words: Words) -> Parameter:
    """Return the input with its value (rule 30)."""
    value = declared.value if declared.value is not None else declared.default
    source = declared.value_from
    given = supplied.parameters.get(declared.name)
    if declared.name in supplied.absent:
        if value is None and source is None:
            raise TemplateError(f"inputs.parameters.{declared.name}:", ABSENT)
    elif given is not None:
        value, source = given.value, None if given.value is not None else given.value_from
    if source is not None and source.config_map_key_ref is not None:
        read = from_config_map(state, declared.name, source, words)
        value = source.default if read is None else read
    if value is None:
        raise TemplateError(f"inputs.parameters.{declared.name}", "was not supplied")
    return replace(declared, value=value, value_from=None)


def from_config_map(state: State, name: str, source: ValueFrom, words: Words) -> str | None:
    """Return a ConfigMap's value; None when it is not there and may be missing."""
    ref = source.config_map_key_ref or ConfigMapKey(name="", key="")
    wanted, key = words.lenient(ref.name), words.lenient(ref.key)
    found = state.manifest.library.config_maps.get(wanted)
    if found is None:
        problem = "is not there. Give its file, too."
    elif found.labels.get(CONFIG_LABEL) != "Parameter":
        problem = f"needs the label {CONFIG_LABEL}: Parameter."
    elif key not in found.data:
        problem = f'has no key "{key}".'
    else:
        return found.data[key]
    if ref.optional or source.default is not None:
        return None
    where = f"unable to retrieve inputs.parameters.{name}"
    raise TemplateError(where, f'from ConfigMap: "{wanted}" {problem}')


def located(template: Template, supplied: Supplied) -> list[tuple[str, ArtifactLocation]]:
    """Return where each input artifact is; one that is absent and optional is left out."""
    found = []
    for declared in template.inputs.artifacts:
        given = supplied.artifacts.get(declared.name)
        if given is None:
            location = at_home(declared)
        elif is_somewhere(given) or declared.optional or declared.name in supplied.optional:
            location = given
        else:
            raise TemplateError(f"inputs.artifacts.{declared.name}", "missing location information")
        if location is not None and is_somewhere(location):
            found.append((declared.name, location))
    return found


def at_home(declared: Artifact) -> ArtifactLocation | None:
    """Return the location that the template itself gives to an input."""
    if declared.location is not None:
        return ArtifactLocation(name=declared.name, fields=declared.location)
    if declared.optional:
        return None
    raise TemplateError(f"inputs.artifacts.{declared.name}", "was not supplied")


def is_somewhere(location: ArtifactLocation) -> bool:
    """Whether there is a location: a skipped step's artifact has none (rule 29)."""
    return location.node is not None or location.key is not None or bool(location.fields)


def filled(template: Template, words: Words) -> Template:
    """Fill in *template*: what the workflow and the node give, then what its own inputs give."""
    if next(rewrite.tagged(template), None) is None:
        return template
    first = rewrite.rewritten(template, words.lenient)
    if next(rewrite.tagged(first), None) is None:
        return first
    own = words.more(own_names(first))
    return rewrite.rewritten(first, own.lenient)


def own_names(template: Template) -> dict[str, str | None]:
    """Return the names that a template's own inputs and outputs give."""
    names: dict[str, str | None] = {
        "inputs.parameters": jsontext.ordered([described(p) for p in template.inputs.parameters])
    }
    for parameter in template.inputs.parameters:
        names[f"inputs.parameters.{parameter.name}"] = parameter.value
    for artifact in template.inputs.artifacts:
        if artifact.path:
            names[f"inputs.artifacts.{artifact.name}.path"] = artifact.path
    for artifact in template.outputs.artifacts:
        if artifact.path:
            names[f"outputs.artifacts.{artifact.name}.path"] = artifact.path
    for parameter in template.outputs.parameters:
        if parameter.value_from is not None and parameter.value_from.path:
            names[f"outputs.parameters.{parameter.name}.path"] = parameter.value_from.path
    return names


def described(parameter: Parameter) -> dict[str, str | list[str]]:
    """Return the parameter object that `{{inputs.parameters}}` lists (rule 32)."""
    shown = {
        "name": parameter.name,
        "default": parameter.default,
        "value": parameter.value,
        "globalName": parameter.global_name,
        "enum": list(parameter.enum) or None,
        "description": parameter.description,
    }
    return {key: value for key, value in shown.items() if value is not None}
