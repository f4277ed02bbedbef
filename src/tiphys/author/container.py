"""A step as Argo's template: command, inputs, outputs, image, resources, retries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hera.workflows import models

from tiphys import restricted
from tiphys.author import cache, gang, keys, metrics, pod, prose, retries, tier
from tiphys.author.document import Json
from tiphys.author.faults import AuthoringError
from tiphys.author.reference import Source
from tiphys.author.scope import Task
from tiphys.author.step import StepTemplate
from tiphys.manifest.profile import GitSource, Profile
from tiphys.step import codec, telemetry
from tiphys.step.entry import RETURNS
from tiphys.step.signature import METRICS, Argument, ArgumentKind

CODE = "/tiphys/code"
IN = "/tiphys/in"
OUT = pod.OUT

READABLE = 0o755
"""Of an input: Argo's container that fetches it may be another user than the step."""

QUIET = {**telemetry.OFF, "PYTHONUNBUFFERED": "1"}
"""In every step: no library calls home, logs come as they are written."""

RETRIES = "tiphys.dev/retries"
"""The annotation of a template that says for which failures it is tried again."""

GANG = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
"""Else two torchrun gangs on one node may meet in one store."""

_EXTENSIONS = {"html": ".html", "json": ".json", "image": ".png"}
"""Argo's UI goes by the name of a file that is stored as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A template and every call of it in one pipeline."""

    template: StepTemplate
    tasks: Sequence[Task]
    exports: Mapping[tuple[str, str], str]
    pipeline: str
    owner: str


def template(use: Use, profile: Profile) -> models.Template:
    """Return the template as a Hera object.

    Raises:
        UserError: the tier or the role is unknown in *profile*, or its calls do not agree on
            where their code comes from.
    """
    step = use.template
    place = gang.own_place(step, profile)
    if len({(task.source, type(task.code)) for task in use.tasks}) > 1:
        raise AuthoringError(
            step.name, "gets its code in two ways.", "Set `run.code` before its first call."
        )
    return models.Template.model_validate(
        {
            "name": step.name,
            "annotations": {**_shown(step), RETRIES: retries.described(step.retry)},
            "metadata": {
                "annotations": _annotations(use) | pod.annotations(step, profile),
                "labels": {"tiphys.dev/pipeline": use.pipeline, "tiphys.dev/step": step.name},
            },
            "inputs": _inputs(use, profile),
            "outputs": _outputs(use),
            "container": _container(use, place, profile),
            "activeDeadlineSeconds": int(gang.deadline(step, place).total_seconds()),
            "retryStrategy": retries.compose(step.retry),
            "synchronization": {"mutexes": [{"name": step.mutex}]} if step.mutex else None,
            "metrics": metrics.of_step(use.pipeline, step.name, step.metrics, step.signature),
            **pod.fields(step, profile, _placement(use, place, profile)),
        }
    )


def source_location(profile: Profile) -> Json:
    """Return where a cluster finds the project's code, as fields of an artifact."""
    if isinstance(profile.source, GitSource):
        revision = "{{workflow.parameters.revision}}"
        return {"git": {"repo": profile.source.git, "revision": revision, **_login(profile.source)}}
    return {"s3": {"key": "code/{{workflow.parameters.code}}.tgz"}}


def _login(source: GitSource) -> Json:
    """Return which keys of the source's Secret Argo's own git client takes."""
    keys = {"usernameSecret": "username", "passwordSecret": "password"}
    if not source.secret:
        return {}
    return {field: {"name": source.secret, "key": key} for field, key in keys.items()}


def _shown(step: StepTemplate) -> dict[str, str]:
    """Return what Argo's UI shows of the template; its pods have no use for it."""
    said = prose.read(step.function)
    found = {
        "workflows.argoproj.io/title": said.title,
        "workflows.argoproj.io/description": said.markdown,
        "workflows.argoproj.io/display-name": step.display,
    }
    return {name: text for name, text in found.items() if text}


def _annotations(use: Use) -> dict[str, str]:
    found = {
        "tiphys.dev/function": use.template.signature.entry,
        "tiphys.dev/owner": use.owner,
        "tiphys.dev/tier": use.template.tier,
    }
    return {name: text for name, text in found.items() if text}


def _inputs(use: Use, profile: Profile) -> Json:
    signature, task = use.template.signature, use.tasks[0]
    artifacts = [
        {"name": argument.name, "path": f"{IN}/{argument.name}", "mode": READABLE}
        | ({"optional": True} if argument.kind is ArgumentKind.OPTIONAL_INPUT else {})
        for argument in signature.of_kind(ArgumentKind.INPUT, ArgumentKind.OPTIONAL_INPUT)
        if argument.name != task.source
    ]
    artifacts.append(_code(task, profile))
    said = prose.read(use.template.function).arguments
    parameters = [
        _parameter(argument, said.get(argument.name, ""))
        for argument in signature.of_kind(ArgumentKind.PARAMETER)
    ]
    return _present({"parameters": parameters, "artifacts": artifacts})


def _code(task: Task, profile: Profile) -> Json:
    """Return the input that holds the code: made by a step, or fetched as it is."""
    if task.source:
        return {"name": task.source, "path": CODE, **source_location(profile)}
    if isinstance(task.code, Source):
        return {"name": "code", "path": CODE, **source_location(profile)}
    return {"name": "code", "path": CODE}


def _parameter(argument: Argument, description: str) -> Json:
    given = None if argument.required else codec.encode(argument.default, argument.type)
    found: Json = {
        "name": argument.name,
        "default": given,
        "description": prose.sentence(description) or None,
        "enum": metrics.closed(argument.type) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _outputs(use: Use) -> Json:
    signature = use.template.signature
    artifacts = []
    for argument in signature.of_kind(ArgumentKind.OUTPUT):
        made: Json = {"name": argument.name, "path": _output_path(argument)}
        if argument.output and argument.output.view:
            made["archive"] = {"none": {}}
        if name := use.exports.get((use.template.name, argument.name)):
            made["globalName"] = name
        artifacts.append(made)
    parameters = []
    for result in signature.results:
        said: Json = {"name": result.name, "valueFrom": {"path": f"{OUT}/{result.name}"}}
        if name := use.exports.get((use.template.name, result.name)):
            said["globalName"] = name
        parameters.append(said)
    metrics = {"name": METRICS, "valueFrom": {"path": f"{OUT}/{METRICS}", "default": "{}"}}
    # metrics first: of a step that failed, Argo saves what stands before the first missing one
    return _present({"parameters": [metrics, *parameters], "artifacts": artifacts})


def _present(lists: Json) -> Json:
    return {name: found for name, found in lists.items() if found}


def _output_path(argument: Argument) -> str:
    view = argument.output.view if argument.output else None
    return f"{OUT}/{argument.name}{_EXTENSIONS[view] if view else ''}"


def _placement(use: Use, place: StepTemplate, profile: Profile) -> Json:
    """Return the fields of the template that its tier brings, with the node's cache."""
    saves = place.gang is not None and place is use.template
    found = tier.fields(profile.tier(place.tier), place.retry, saves=saves)
    if _caches(use, place, profile):
        found["volumes"] = [*found.get("volumes", []), cache.volume(profile)]
    return found


def _caches(use: Use, place: StepTemplate, profile: Profile) -> bool:
    """Whether the step itself reads data, not a gang of it."""
    return place is use.template and cache.has(_texts(use), profile)


def _container(use: Use, place: StepTemplate, profile: Profile) -> Json:
    step, cached = use.template, _caches(use, place, profile)
    return {
        "image": profile.image(place.role),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "tiphys.step", step.signature.entry],
        "args": _args(use),
        "workingDir": CODE,
        "env": [*_environment(use, place, profile), *[cache.ENVIRONMENT] * cached],
        "resources": tier.resources(profile.tier(place.tier)),
        "securityContext": restricted.CONTAINER,
        "volumeMounts": [*pod.MOUNTS, *[cache.MOUNT] * cached],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _args(use: Use) -> list[str]:
    signature, source = use.template.signature, use.tasks[0].source
    args = [f"--{argument.name}={_text(argument, source)}" for argument in signature.arguments]
    results = [*(result.name for result in signature.results), METRICS]
    return args + [f"--{RETURNS}{name}={OUT}/{name}" for name in results]


def _text(argument: Argument, source: str | None) -> str:
    match argument.kind:
        case ArgumentKind.PARAMETER:
            return f"{{{{inputs.parameters.{argument.name}}}}}"
        case ArgumentKind.OUTPUT:
            return _output_path(argument)
        case ArgumentKind.INPUT | ArgumentKind.OPTIONAL_INPUT:
            return CODE if argument.name == source else f"{IN}/{argument.name}"


def _environment(use: Use, place: StepTemplate, profile: Profile) -> list[Json]:
    plain = QUIET | (GANG if use.template.gang else {})
    found: list[Json] = [{"name": name, "value": value} for name, value in plain.items()]
    found.append({"name": "TIPHYS_WORKFLOW_UID", "value": "{{workflow.uid}}"})
    texts = _texts(use)
    if place is use.template:
        return found + pod.own_node(use.template) + keys.environment(texts, profile)
    return (
        found
        + keys.environment(texts, profile)
        + gang.environment(use.template, found, texts, profile)
    )


def _texts(use: Use) -> list[str]:
    return [text for task in use.tasks for text in task.parameters.values()]
