"""Where the files that DVC wrote are read: a folder, or a git revision that is not checked out."""

import re
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

    @classmethod
    def of(cls, root: Path, asked: str) -> "Folder":
        """Return the folder, called by the commit that is checked out there, else as *asked*.

        A branch moves, and a pin must not. Argo's git artifact is a checkout, an archive is none.
        """
        return cls(root=root, name=_checked_out(root / ".git") or asked)

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


def _checked_out(git: Path) -> str | None:
    """Return the commit that HEAD means, read without git: the images have none."""
    head = _text(git / "HEAD").strip()
    if head.startswith("ref: "):
        branch = head.removeprefix("ref: ")
        head = _text(git / branch).strip() or _packed(git, branch)
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else None


def _packed(git: Path, branch: str) -> str:
    lines = (line.split() for line in _text(git / "packed-refs").splitlines())
    return next((line[0] for line in lines if line[1:] == [branch]), "")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
