"""Versions: the files of a model under the hash of their content.

`version.json` is written after the files and says which they are, so a version without it is not
there yet. Writing one twice writes the same bytes.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import ObjectStore

from tiphys.errors import UserError
from tiphys.ml import digest
from tiphys.ml.registry.entry import Provenance


class CorruptVersionError(UserError):
    """The registry's copy of a version is not what its name says: register the model again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A registered model."""

    name: str
    hash: str
    """sha256 over its files, see `tiphys.ml.digest`."""
    files: Mapping[str, str]
    """Relative path to the sha256 of the content."""
    registered: datetime
    provenance: Provenance
    """Of the run that registered it first."""

    @classmethod
    def read(cls, name: str, found: tuple[datetime, bytes]) -> Self:
        """Return the version that the stored bytes describe."""
        at, text = found
        raw = json.loads(text)
        return cls(
            name=name,
            hash=raw["hash"],
            files=raw["files"],
            registered=at,
            provenance=Provenance.read(raw["provenance"]),
        )


def publish(store: ObjectStore, name: str, directory: Path, provenance: Provenance) -> Version:
    """Store *directory* as a version of *name*; one that is there already is left alone."""
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file())
    files = {path.relative_to(directory).as_posix(): digest.of_file(path) for path in paths}
    content = digest.of_directory(directory)
    prefix = f"models/{name}/versions/{content}"
    for relative in files:
        _create(store, f"{prefix}/{relative}", (directory / relative).read_bytes())
    manifest = {"hash": content, "files": files, "provenance": asdict(provenance)}
    _create(store, f"{prefix}/version.json", json.dumps(manifest, indent=1).encode())
    return find(store, name, content)


def find(store: ObjectStore, name: str, content: str) -> Version:
    """Return a version. Raises: FileNotFoundError: it is not there, or not complete."""
    found = store.get(f"models/{name}/versions/{content}/version.json")
    return Version.read(name, (found.meta["last_modified"], bytes(found.bytes())))


def fetch(store: ObjectStore, version: Version, directory: Path) -> Path:
    """Bring the files of *version* to *directory*, where they may be already.

    Raises: CorruptVersionError: what is stored is not what was registered.
    """
    if directory.exists():
        if digest.of_directory(directory) == version.hash:
            return directory
        shutil.rmtree(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".fetch-") as temporary:
        fresh = Path(temporary) / "model"
        for relative in version.files:
            target = fresh / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            path = f"models/{version.name}/versions/{version.hash}/{relative}"
            target.write_bytes(bytes(store.get(path).bytes()))
        if digest.of_directory(fresh) != version.hash:
            raise CorruptVersionError(
                f"registry/{version.name}/{version.hash[:12]}",
                "the stored files do not have the hash they were registered under.",
                "Register the model again, in a fresh registry or after removing that folder.",
            )
        try:
            fresh.rename(directory)
        except OSError:
            if not directory.exists():  # else another process was as quick
                raise
    return directory


def _create(store: ObjectStore, path: str, content: bytes) -> None:
    try:
        store.put(path, content, mode="create")
    except (AlreadyExistsError, PreconditionError):
        return
