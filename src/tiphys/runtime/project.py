"""The project around a manifest: its root, its code as an archive, its revision.

Code is packed from what git tracks plus what it does not ignore, so an unsaved edit runs too.
"""

import hashlib
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiphys.runtime.archive import packed
from tiphys.runtime.faults import SettingsFileError
from tiphys.runtime.folder import HOME, write_atomically

MARKS = ("tiphys.toml", "dvc.yaml", "pyproject.toml", ".git")
"""Any of these makes a folder the root of a project."""

CODE = (
    "components",
    "quality",
    "gate",
    "dvc.yaml",
    "dvc.lock",
    "params.yaml",
    "pyproject.toml",
    "tiphys.toml",
)
"""What a step needs of the project; `[code] include` in tiphys.toml says otherwise."""

TOP = "code"
"""The single top entry of the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCode:
    """The project's code as of now."""

    archive: bytes
    sha256: str
    revision: str
    """What git calls it; the start of the hash without git."""


def find_root(start: Path) -> Path | None:
    """Return the project that *start* is in, or None."""
    for folder in (start.absolute(), *start.absolute().parents):
        if any((folder / mark).exists() for mark in MARKS):
            return folder
    return None


def configuration(root: Path | None) -> Mapping[str, Any]:
    """Return what tiphys.toml says, nothing where there is none.

    Raises: SettingsFileError: it is no TOML.
    """
    path = root / "tiphys.toml" if root else None
    if path is None or not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise SettingsFileError(str(path), f"is no TOML: {problem}.") from None


def pack_project(root: Path) -> ProjectCode:
    """Return the code of the project in *root*, with the same bytes for the same files."""
    include = configuration(root).get("code", {}).get("include", CODE)
    names = _files(root, [name for name in include if (root / name).exists()])
    archive = packed(root, names, TOP)
    digest = hashlib.sha256(archive).hexdigest()
    revision = _git(root, "describe", "--always", "--dirty", "--abbrev=12")
    return ProjectCode(archive=archive, sha256=digest, revision=revision or digest[:12])


def store_code(code: ProjectCode, root: Path) -> Path:
    """Put the archive into the artifact repository of *root*, as Argo's steps will look for it."""
    folder = root / HOME / "artifacts" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{code.sha256}.tgz"
    if not kept.exists():
        write_atomically(kept, code.archive)
    os.utime(kept)  # so that nobody prunes what a run is about to need
    write_atomically(folder / "latest.tgz", code.archive)
    return kept


def ignore_home(root: Path) -> None:
    """Make `.tiphys` invisible to git and to other users: parameters may be confidential."""
    home = root / HOME
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (home / ".gitignore").exists():
        write_atomically(home / ".gitignore", "*\n")


def _files(root: Path, include: Sequence[str]) -> Iterable[str]:
    listed = _git(root, "ls-files", "-z", "-co", "--exclude-standard", "--", *include)
    if listed:
        names = [name for name in listed.split("\0") if name]
        return [name for name in names if (root / name).is_file()]
    return [name for part in include for name in _walk(root, root / part)]


def _walk(root: Path, part: Path) -> Iterable[str]:
    if part.is_file():
        yield part.relative_to(root).as_posix()
        return
    for path in part.rglob("*"):
        hidden = any(name.startswith(".") for name in path.relative_to(root).parts)
        if path.is_file() and not hidden and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix()


def _git(root: Path, *arguments: str) -> str:
    """Return what git says, "" where there is no repository, no commit or no git."""
    git = shutil.which("git")
    if git is None:
        return ""
    answer = subprocess.run(
        [git, "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() if answer.returncode == 0 else ""
