"""The hash that names the content of a directory. Standard library only."""

import hashlib
from pathlib import Path


def of_directory(directory: Path) -> str:
    """Return the SHA-256 of what `sha256sum` prints for the files below *directory*, by name.

    Modes, times and empty folders do not count: archives lose them.
    """
    files = (path for path in directory.rglob("*") if path.is_file())
    lines = sorted((path.relative_to(directory).as_posix(), of_file(path)) for path in files)
    return hashlib.sha256("".join(f"{sha}  {name}\n" for name, sha in lines).encode()).hexdigest()


def of_file(path: Path) -> str:
    """Return the SHA-256 of the bytes of *path*."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
