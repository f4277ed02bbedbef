"""Artifacts: kept as they are in `out/artifacts` of the node that gave them, handed on as links.

A file of a megabyte or more is handed on as a hard link; a smaller one, and the project's code, is
copied, because a step may change what it was given and on a cluster that would be its own copy.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from tiphys.engine.actions import StartAttempt
from tiphys.engine.node import ArtifactLocation
from tiphys.manifest.model import Archive, Artifact, Json
from tiphys.runtime.archive import is_tar, pack, unpack
from tiphys.runtime.expansion import as_in_a_template
from tiphys.runtime.faults import ArtifactError
from tiphys.runtime.folder import write_atomically
from tiphys.runtime.project import pack_project, store_code
from tiphys.runtime.request import Host
from tiphys.runtime.workspace import Workspace

CODE_PATH = "/tiphys/code"
"""Where a step's project code lies: always the step's own copy, for it writes beside it."""

LINK_BYTES = 1 << 20
"""Files of this size are linked; below it a copy costs no more and is safe."""

HTTP_SECONDS = 60


def place_inputs(action: StartAttempt, workspace: Workspace, host: Host) -> None:
    """Put every input artifact of the attempt where its template wants it.

    Raises: ArtifactError: one cannot be had.
    """
    for declared in action.template.inputs.artifacts:
        location = action.input_artifacts.get(declared.name)
        if location is None or declared.path is None:
            continue
        target = workspace.path(declared.path)
        _clear(target)
        _place(declared, location, target, host)
        if declared.mode is not None:
            target.chmod(declared.mode)


def _place(declared: Artifact, location: ArtifactLocation, target: Path, host: Host) -> None:
    if location.node is not None:
        source = kept(host.folder.node(location.node), location)
        if not source.exists():
            raise ArtifactError(declared.name, f"node {location.node} did not keep it.")
        copy = shutil.copy2 if declared.path == CODE_PATH else hand_on
        _tree(source, target, copy)
        return
    for kind, fields in (location.fields or {}).items():
        if kind in PLACES:
            PLACES[kind](declared, fields or {}, target, host)
            return
    kinds = ", ".join(location.fields or {}) or "no location"
    raise ArtifactError(declared.name, f"{kinds} cannot be read on this machine.", "Use a cluster.")


def _from_repository(
    declared: Artifact, fields: Mapping[str, Json], target: Path, host: Host
) -> None:
    if fields.get("bucket") or fields.get("endpoint"):
        found = f"s3 bucket {fields.get('bucket', '?')} is not reached from this machine."
        raise ArtifactError(declared.name, found, "Give only a `key`: it is in .tiphys/artifacts.")
    key = str(fields.get("key", ""))
    source = _below(host.settings.artifacts, declared.name, key)
    if not source.exists():
        found = f's3 key "{key}" is not in {host.settings.artifacts}.'
        raise ArtifactError(declared.name, found, "A run that gives it must come first.")
    _receive(declared, source, target)


def _receive(declared: Artifact, source: Path, target: Path) -> None:
    """Unpack what Argo would unpack: gzipped tars unless `archive: none`, zips only if asked."""
    zipped = declared.archive is Archive.ZIP
    if source.is_file() and declared.archive is not Archive.NONE and (zipped or is_tar(source)):
        unpack(source, target, declared.name)
    else:
        _tree(source, target, hand_on)


def _from_text(declared: Artifact, fields: Mapping[str, Json], target: Path, host: Host) -> None:
    del declared, host
    target.write_text(as_in_a_template(str(fields.get("data", ""))), encoding="utf-8")


def _from_git(declared: Artifact, fields: Mapping[str, Json], target: Path, host: Host) -> None:
    repository, revision = str(fields.get("repo", "")), str(fields.get("revision", "HEAD"))
    project = host.settings.project
    if repository == host.settings.source and project is not None:
        host.observer.warned(f"the code is this working tree's, not {revision} of {repository}.")
        unpack(store_code(pack_project(project), host.settings.root), target, declared.name)
        return
    local = Path(repository.removeprefix("file://"))
    if not local.is_dir():
        found = f"git repository {repository} is not on this machine."
        raise ArtifactError(declared.name, found, "Give a local path as `repo`.")
    git = shutil.which("git") or "git"
    for command in (
        [git, "clone", "-q", "--no-checkout", str(local), str(target)],
        [git, "-C", str(target), "checkout", "-q", revision],
    ):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise ArtifactError(declared.name, answer.stderr.strip().replace("\n", " "))


def _from_web(declared: Artifact, fields: Mapping[str, Json], target: Path, host: Host) -> None:
    del host
    url = str(fields.get("url", ""))
    if not url.startswith(("http://", "https://")):
        raise ArtifactError(declared.name, f'"{url}" is no URL.')
    aside = target.with_name(f".{target.name}.fetched")
    headers = {header["name"]: header["value"] for header in fields.get("headers") or ()}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 -- http, checked above
    try:
        with (
            urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer,  # noqa: S310
            aside.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
    except (urllib.error.URLError, TimeoutError) as problem:
        raise ArtifactError(declared.name, f"{url}: {problem}.") from problem
    _receive(declared, aside, target)
    aside.unlink()


PLACES: Mapping[str, Callable[[Artifact, Mapping[str, Json], Path, Host], None]] = {
    "s3": _from_repository,
    "raw": _from_text,
    "git": _from_git,
    "http": _from_web,
}


def keep(action: StartAttempt, workspace: Workspace, host: Host) -> dict[str, ArtifactLocation]:
    """Keep what the attempt wrote; what it did not write is not in the result. May be repeated."""
    found = {}
    folder = host.node(action) / "out" / "artifacts"
    for declared in action.template.outputs.artifacts:
        if declared.path is None:
            continue
        kept_at = folder / declared.name
        written = workspace.path(declared.path)
        if not kept_at.exists() and (written.exists() or written.is_symlink()):
            folder.mkdir(parents=True, exist_ok=True)
            aside = folder / f".{declared.name}"
            _clear(aside)
            _tree(written, aside, _link)
            aside.rename(kept_at)
        if kept_at.exists():
            key = action.output_keys.get(declared.name)
            found[declared.name] = ArtifactLocation(name=declared.name, node=action.node, key=key)
            if declared.location is not None and key:
                place = _below(host.settings.artifacts, declared.name, key)
                _publish(declared, kept_at, place, action.node)
    if found:
        names = {location.key: name for name, location in found.items()}
        write_atomically(folder.parent / "keys.json", json.dumps(names))
    return found


def kept(node: Path, location: ArtifactLocation) -> Path:
    """Return where the output artifact *location* of *node* is kept; its key says which it is."""
    folder = node / "out" / "artifacts"
    keys = folder.parent / "keys.json"
    names = json.loads(keys.read_text()) if keys.exists() else {}
    return folder / str(names.get(location.key, location.name))


def _below(artifacts: Path, name: str, key: str) -> Path:
    """Return where the object *key* is in the artifact repository.

    Raises: ArtifactError: that is not in it.
    """
    place = (artifacts / key).resolve()
    if not key or not place.is_relative_to(artifacts.resolve()):
        raise ArtifactError(name, f's3 key "{key}" is no key.', "Write it without `..`.")
    return place


def _publish(declared: Artifact, source: Path, target: Path, node: str) -> None:
    """Put an output of *node* with a key of its own where other runs look for it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{node}")  # another run may write the same key
    _clear(aside)
    if declared.archive is Archive.NONE:
        _tree(source, aside, _link)
    else:
        pack(source, aside, Path(declared.path or declared.name).name)
    _clear(target)
    aside.rename(target)


def _clear(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def _tree(source: Path, target: Path, copy: Callable[[str, str], object]) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=copy)
    else:
        copy(str(source), str(target))


def hand_on(source: str, target: str) -> None:
    """Link a large file, copy a small one."""
    if Path(source).stat().st_size >= LINK_BYTES:
        _link(source, target)
    else:
        shutil.copy2(source, target)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
