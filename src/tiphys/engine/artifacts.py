"""Where artifacts come from and where they go."""

from dataclasses import replace

from tiphys.engine.faults import TemplateError
from tiphys.engine.node import ArtifactLocation
from tiphys.engine.scope import View
from tiphys.manifest.model import Archive, Artifact, Json, Template

SUFFIX = {None: ".tgz", Archive.TAR: ".tgz", Archive.ZIP: ".zip"}
UNRESOLVED = "Unable to resolve:"
MARK = "tiphys.artifact"
"""The key by which an artifact is known again after it went through an expression."""


def resolved(artifact: Artifact, view: View) -> ArtifactLocation | None:
    """Return the location that `from`, `fromExpression` or the artifact itself gives.

    Raises: TemplateError: what it refers to is not there.
    """
    if artifact.from_expression is not None:
        return replace(_evaluated(artifact.from_expression, view), name=artifact.name)
    if artifact.from_ is not None:
        name = artifact.from_.strip().removeprefix("{{").removesuffix("}}").strip()
        if name.startswith("="):
            return replace(_evaluated(name[1:], view), name=artifact.name)
        if name not in view.artifacts:
            raise TemplateError(UNRESOLVED, f'"{name}"')
        return replace(view.artifacts[name], name=artifact.name)
    if artifact.location is not None:
        return ArtifactLocation(name=artifact.name, fields=artifact.location)
    return None


def _evaluated(source: str, view: View) -> ArtifactLocation:
    names: dict[str, Json] = {
        full: {"name": location.name, "key": location.key, MARK: full}
        for full, location in view.artifacts.items()
    }
    value = view.words.evaluated(source, names)
    if not isinstance(value, dict) or MARK not in value:
        raise TemplateError(f'"{source}"', "gives no artifact")
    return view.artifacts[value[MARK]]


def keys(template: Template, workflow: str, pod: str) -> dict[str, str]:
    """Return the repository key of each output artifact (rule 39).

    With `archive: none` the key ends in the file's own name.
    """
    found = {}
    for artifact in template.outputs.artifacts:
        declared = _declared_key(artifact)
        if declared is not None:
            found[artifact.name] = declared
        elif artifact.archive is Archive.NONE:
            path = (artifact.path or artifact.name).rstrip("/")
            found[artifact.name] = f"{workflow}/{pod}/{path.rpartition('/')[2]}"
        else:
            found[artifact.name] = f"{workflow}/{pod}/{artifact.name}{SUFFIX[artifact.archive]}"
    return found


def _declared_key(artifact: Artifact) -> str | None:
    for fields in (artifact.location or {}).values():
        key = fields.get("key") if isinstance(fields, dict) else None
        if isinstance(key, str):
            return key
    return None
