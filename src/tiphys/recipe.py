"""What the image of a role is built from: a locked environment, and the library that is put in.

The code of a run is no part of it. So where code and image meet, somebody must ask whether they
belong together.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

LOCKS = "requirements"
"""The folder with a lock a role: `ROLE.lock`."""
LIBRARY = ("src", "pyproject.toml", "Containerfile")
"""Files and folders of which every image is made, whatever its role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Two hashes, SHA-256: what has changed since is not in the image."""

    lock: str
    """Of the role's lock; "" where there is none."""
    library: str = ""
    """Over the files of `LIBRARY`; "" where images are built from the sources at hand."""

    @property
    def tag(self) -> str:
        """What an image of it is called: enough to tell it from any other.

        >>> Recipe(lock="ac3c9351d679d434", library="1d5f").tag
        'ac3c9351d679-1d5f'
        """
        return "-".join(part[:12] for part in (self.lock, self.library) if part)


def of(root: Path, role: str) -> Recipe:
    """Return what an image of *role* would be built from now."""
    return Recipe(lock=lock_of(root, role), library=library_of(root))


def lock_of(root: Path, role: str) -> str:
    """Return the hash of the role's lock as it is now; "" where there is none."""
    lock = root / LOCKS / f"{role}.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else ""


def library_of(root: Path) -> str:
    """Return the hash over the library's files as they are now."""
    found = hashlib.sha256()
    for path in sorted(path for name in LIBRARY for path in _files(root / name)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found.update(f"{content}  {path.relative_to(root).as_posix()}\n".encode())
    return found.hexdigest()


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [each for each in place.rglob("*") if each.is_file() and "__pycache__" not in each.parts]
