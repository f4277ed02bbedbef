"""What a run gets from outside of its manifest: parameters, and the project's code."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from tiphys import manifest as manifests
from tiphys.errors import UserError, nearest
from tiphys.manifest.model import Manifest
from tiphys.runtime.project import pack_project, store_code
from tiphys.runtime.request import RunRequest
from tiphys.runtime.settings import Settings

CODE_KEY = "code/{{workflow.parameters.code}}.tgz"
"""The key by which a manifest asks for the project's code."""


WHOLE = re.compile(r"workflow\.parameters(?!\.\w)|workflow\.parameters\.json\b")
"""Ways to read parameters without writing down the name of each."""


class ParameterFileError(UserError):
    """A parameter file that is no mapping of names to values."""


def parameters(request: RunRequest, manifest: Manifest, settings: Settings) -> dict[str, str]:
    """Return the workflow parameters of the run.

    Raises: ParameterFileError: a file cannot be read.
    """
    given = {**read_parameters(request.parameter_files), **request.parameters}
    bound = _project(manifest, settings) if request.bind_project else {}
    return {**bound, **given}


def read_parameters(paths: Sequence[Path]) -> dict[str, str]:
    """Return what parameter files give; later ones win.

    Raises: ParameterFileError: a file cannot be read.
    """
    given: dict[str, str] = {}
    for path in paths:
        given.update(_from_file(path))
    return given


def unused(given: Iterable[str], manifest: Manifest) -> Iterator[str]:
    """Yield a warning for each of the *given* parameters that nothing in *manifest* reads."""
    spec = manifests.joined(manifest).spec
    entries = [template for template in spec.templates if template.name == spec.entrypoint]
    declared = {parameter.name for parameter in spec.arguments.parameters}
    known = declared | {one.name for entry in entries for one in entry.inputs.parameters}
    text = _text(manifest)
    if WHOLE.search(text):
        return
    for name in given:
        if name not in known and f"workflow.parameters.{name}" not in text:
            yield f"-p {name}: the workflow reads no such parameter. {nearest(name, known)}"


def _project(manifest: Manifest, settings: Settings) -> dict[str, str]:
    spec = manifests.joined(manifest).spec
    declared = {parameter.name for parameter in spec.arguments.parameters}
    by_archive = "code" in declared and _asks_for_code(manifest)
    if settings.project is None or not (by_archive or settings.source):
        return {}
    code = pack_project(settings.project)
    store_code(code, settings.root)
    found = {"code": code.sha256} if by_archive else {}
    return {**found, "revision": code.revision} if "revision" in declared else found


def _asks_for_code(manifest: Manifest) -> bool:
    return CODE_KEY in _text(manifest)


def _text(manifest: Manifest) -> str:
    """Return all that may be read of a run's resources, as JSON."""
    library = manifest.library
    known = (*library.templates.values(), *library.cluster_templates.values(), manifest.main)
    return json.dumps([resource.raw for resource in known])


def _from_file(path: Path) -> Mapping[str, str]:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except OSError as problem:
        raise ParameterFileError(str(path), f"cannot be read: {problem.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ParameterFileError(str(path), f"is no YAML: {problem}.") from None
    if not isinstance(raw, dict):
        raise ParameterFileError(str(path), "holds no mapping.", "Write one `name: value` a line.")
    return {
        str(name): value if isinstance(value, str) else json.dumps(value)
        for name, value in raw.items()
    }
