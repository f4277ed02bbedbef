"""What a run needs to know of this machine, settled when it begins and kept in its `run.json`."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiphys.manifest import profiles
from tiphys.manifest.profile import GitSource, Profile
from tiphys.runtime.faults import SettingsFileError
from tiphys.runtime.folder import HOME, RunFolder, write_atomically
from tiphys.runtime.images import Images, repository
from tiphys.runtime.project import configuration

GRACE_SECONDS = 30.0
"""What Kubernetes gives a container between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    root: Path
    """Holds `.tiphys`: the project's root, else the folder the run was started from."""
    project: Path | None = None
    allow_host: bool = False
    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Image to entrypoint, from tiphys.toml."""
    repositories: tuple[str, ...] = ()
    """Images of the profile beside the manifest."""
    storage: Mapping[str, str] = field(default_factory=dict)
    """URL prefix in the manifest to where it is on this machine."""
    source: str = ""
    """The git URL of the project's own code, which here is the working tree."""
    slots: int = 8
    """How many attempts run at once; the others are Pending."""
    grace_seconds: float = GRACE_SECONDS
    """Between SIGTERM and SIGKILL."""

    @property
    def images(self) -> Images:
        return Images(
            mapped=self.mapped, repositories=self.repositories, allow_host=self.allow_host
        )

    @property
    def artifacts(self) -> Path:
        """The artifact repository: a file a key."""
        return self.root / HOME / "artifacts"

    def save(self, folder: RunFolder) -> None:
        """Keep the settings with the run, so that it goes on as it began."""
        fields = dataclasses.asdict(self)
        for name in ("root", "project"):
            fields[name] = str(fields[name]) if fields[name] else None
        write_atomically(folder.settings, json.dumps(fields, indent=1))


def load(folder: RunFolder) -> Settings:
    """Return the settings that *folder*'s run began with.

    Raises: SettingsFileError: they are not there, or not ours.
    """
    try:
        fields = json.loads(folder.settings.read_text(encoding="utf-8"))
        fields["root"] = Path(fields["root"])
        fields["project"] = Path(fields["project"]) if fields["project"] else None
        fields["mapped"] = {image: tuple(words) for image, words in fields["mapped"].items()}
        fields["repositories"] = tuple(fields["repositories"])
        return Settings(**fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        found = f"cannot be read ({problem})."
        raise SettingsFileError(str(folder.settings), found, "Start a new run.") from None


def _is_below(manifest: Path, project: Path | None) -> bool:
    return project is not None and manifest.resolve().is_relative_to(project.resolve())


def slots() -> int:
    """Return how many attempts of a run this machine takes at once."""
    return max(8, 2 * (os.cpu_count() or 1))


def settle(root: Path, project: Path | None, manifest: Path, *, allow_host: bool) -> Settings:
    """Return the settings for running *manifest* here.

    A profile vouches for images and names storage, so only one of the project we are in counts:
    a stranger's folder cannot vouch for itself.
    """
    beside = _profile(manifest.absolute().parent) if _is_below(manifest, project) else None
    return Settings(
        root=root,
        project=project,
        allow_host=allow_host,
        mapped=_mapped(project or root),
        repositories=tuple(repository(image.image) for image in beside.images.values())
        if beside
        else (),
        storage=_overrides(beside, root) if beside else {},
        source=beside.source.git if beside and isinstance(beside.source, GitSource) else "",
        slots=slots(),
    )


def _profile(folder: Path) -> Profile | None:
    return profiles.load(folder) if (folder / "profile.yaml").exists() else None


def _mapped(root: Path) -> dict[str, tuple[str, ...]]:
    images = configuration(root).get("images", {})
    return {image: _entrypoint(root, image, entry) for image, entry in images.items()}


def _entrypoint(root: Path, image: str, entry: Any) -> tuple[str, ...]:
    words = entry.get("entrypoint", []) if isinstance(entry, dict) else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        where = f'{root / "tiphys.toml"}: [images."{image}"]'
        raise SettingsFileError(where, "entrypoint must be a list of texts.")
    return tuple(words)


def _overrides(beside: Profile, root: Path) -> dict[str, str]:
    """Return where each remote storage root of *beside* is here.

    That is where the profile `local` has the same role, else a folder below `.tiphys/storage`.
    """
    local = _profile(beside.folder.parent / "local")
    found = {}
    for role in dataclasses.fields(beside.storage):
        url = getattr(beside.storage, role.name)
        if "://" not in url or url.startswith("file://"):
            continue
        here = getattr(local.storage, role.name) if local else ""
        found[url] = str(root / (here or f"{HOME}/storage/{role.name}"))
    return found
