"""What DVC wrote down about a path: in `PATH.dvc`, or in a `dvc.lock` at or above it."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from tiphys.errors import UnknownNameError, UserError
from tiphys.ml.data.pin import Pin
from tiphys.ml.data.revision import Revision

Json = Any
"""Of one file of DVC's, decoded here."""


class LockError(UserError):
    """What DVC wrote cannot be used, or is not what it writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A pin and what it was made with."""

    pin: Pin
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """Of the stage, as they were then, by their dotted names; none for what `dvc add` took."""


def resolve(revision: Revision, path: str) -> Locked:
    """Return what is written down about *path* at *revision*.

    Raises: LockError: DVC does not keep it, or keeps it in a way that we do not read.
    """
    path = posixpath.normpath(path)
    if text := revision.read(f"{path}.dvc"):
        entry = _load(text, f"{path}.dvc")["outs"][0]
        return Locked(pin=_pin(entry, path, f"{path}.dvc", revision.name))
    known: list[str] = []
    for lock, stage, out in _outs(revision, path):
        place = posixpath.normpath(posixpath.join(_folder(revision, lock, stage.name), out["path"]))
        if place == path:
            return Locked(pin=_pin(out, path, lock, revision.name), parameters=stage.parameters)
        known.append(place)
    where = f"dvc.lock at {revision.name[:12]}"
    raise UnknownNameError(where, "output", path, known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    name: str
    parameters: Mapping[str, Json]


def _outs(revision: Revision, path: str) -> Iterator[tuple[str, _Stage, Mapping[str, Json]]]:
    """Every output of every `dvc.lock` at or above *path*, the nearest file first."""
    for parent in PurePosixPath(path).parents:
        lock = str(parent / "dvc.lock")
        if text := revision.read(lock):
            for name, raw in _load(text, lock).get("stages", {}).items():
                stage = _Stage(name=name, parameters=_flat(raw.get("params", {})))
                for out in raw.get("outs", []):
                    yield lock, stage, out


def _folder(revision: Revision, lock: str, stage: str) -> str:
    """The folder that paths of *stage* are relative to: that of the lock, or `wdir` below it."""
    folder = posixpath.dirname(lock)
    text = revision.read(posixpath.join(folder, "dvc.yaml")) or ""
    # a stage made by `foreach` or `matrix` is called NAME@ITEM in the lock
    declared = (_load(text, "dvc.yaml") or {}).get("stages", {}).get(stage.partition("@")[0], {})
    return posixpath.join(folder, declared.get("wdir", "."))


def _pin(entry: Mapping[str, Json], path: str, where: str, revision: str) -> Pin:
    """Refuse what is no plain object of DVC 3, else return the pin."""
    where = f"{where}: {path}"
    if "cloud" in entry:
        raise LockError(
            where, "it is kept by versions of a cloud bucket (`cloud:`).", "Unsupported."
        )
    if entry.get("hash") != "md5":
        found = "there is no `hash: md5`, so DVC 2 wrote it."
        raise LockError(where, found, "Run `dvc commit -f` with DVC 3 and commit the result.")
    if entry.get("cache") is False:
        found = "it is kept in git (`cache: false`), so no remote has it."
        raise LockError(where, found, "Read it from the code, or let DVC keep it.")
    return Pin(
        path=path,
        md5=entry["md5"],
        size=entry["size"],
        nfiles=entry.get("nfiles", 1),
        revision=revision,
    )


def _flat(files: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    """Parameters by dotted name: `{"params.yaml": {"a": {"b": 1}}}` gives `{"a.b": 1}`."""
    found: dict[str, Json] = {}

    def collect(prefix: str, value: Json) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                collect(f"{prefix}.{key}" if prefix else str(key), inner)
        else:
            found[prefix] = value

    for raw in files.values():
        collect("", raw)
    return found


def _load(text: str, where: str) -> Json:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise LockError(where, f"this is no YAML: {error}.") from error
