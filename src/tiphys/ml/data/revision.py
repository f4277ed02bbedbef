"""Where the files that DVC wrote are read: a folder, or a git revision that is not checked out."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tiphys.errors import UserError


class Revision(Protocol):
    """A project at one revision."""

    @property
    def name(self) -> str:
        """What the revision is called in a pin."""

    def read(self, path: str) -> str | None:
        """Return the text of a file, None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A plain folder, such as an unpacked code archive."""

    root: Path
    name: str = "workspace"

    def read(self, path: str) -> str | None:
        """Return the text of a file, None where there is none."""
        file = self.root / path
        return file.read_text(encoding="utf-8") if file.is_file() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of the repository at *root*; *name* is its full hash."""

    root: Path
    name: str

    @classmethod
    def find(cls, root: Path, revision: str) -> "Commit":
        """Return the commit that *revision*, a branch, tag or hash, means.

        Raises: UserError: git does not know it.
        """
        done = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        if done.returncode:
            raise UserError(str(root), f'git knows no revision "{revision}".', "Fetch it first.")
        return cls(root=root, name=done.stdout.strip())

    def read(self, path: str) -> str | None:
        """Return the text of a file, None where there is none."""
        done = _git(self.root, "show", f"{self.name}:./{path}")
        return None if done.returncode else done.stdout


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
