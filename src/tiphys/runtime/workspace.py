"""A node's workspace: the paths that its template declares, mirrored under a folder of its own.

On a cluster `/tmp/hello.txt` is a file of the pod; here it is `<workspace>/tmp/hello.txt`, and
every mention of it in the command, the arguments, the environment and the script says so.
"""

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tiphys.manifest.model import Template
from tiphys.runtime.faults import ArtifactError

PLAIN = re.compile(r"[\w./-]+", re.ASCII)
LONGEST = 160
"""A longer path is shortened too: sockets in it must stay below 108 characters."""

BEFORE = r"(?<![\w./\-~)}*])"
AFTER = r"(?![\w\-]|\.\w)"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a template's declared paths are on this machine."""

    folder: Path
    declared: tuple[str, ...]

    def path(self, declared: str) -> Path:
        """Return where the declared path is.

        Raises: ArtifactError: it leads out of the workspace.
        """
        if ".." in Path(declared).parts:
            raise ArtifactError(declared, "its path leads elsewhere.", "Write it without `..`.")
        return self.folder / declared.lstrip("/")

    def rewritten(self, text: str) -> str:
        """Return *text* with each declared path, and each path below one, in this workspace.

        >>> Workspace(Path("/w"), ("/tmp/out",)).rewritten("cp /tmp/out/a /tmp/outer; >/tmp/out")
        'cp /w/tmp/out/a /tmp/outer; >/w/tmp/out'
        """
        if not self.declared:
            return text
        either = "|".join(re.escape(path) for path in self.declared)
        return re.sub(f"{BEFORE}({either}){AFTER}", lambda found: f"{self.folder}{found[1]}", text)


def open_workspace(node: Path, template: Template) -> Workspace:
    """Return the workspace of the attempt in *node*, with the folders above each declared path."""
    workspace = Workspace(alias(node) / "work", declared_paths(template))
    for path in workspace.declared:
        workspace.path(path).parent.mkdir(parents=True, exist_ok=True)
    workspace.folder.mkdir(parents=True, exist_ok=True)
    return workspace


def declared_paths(template: Template) -> tuple[str, ...]:
    """Return the absolute paths of the template's artifacts and parameters, the longest first."""
    artifacts = (*template.inputs.artifacts, *template.outputs.artifacts)
    paths = {artifact.path.rstrip("/") for artifact in artifacts if artifact.path}
    paths |= {
        parameter.value_from.path.rstrip("/")
        for parameter in template.outputs.parameters
        if parameter.value_from and parameter.value_from.path
    }
    wanted = (path for path in paths if path.startswith("/"))
    return tuple(sorted(wanted, key=lambda path: (-len(path), path)))


def alias(node: Path) -> Path:
    """Return a short way to *node* that no shell takes apart; mostly it is *node* itself.

    A blank or a quote in the project's path would end up unquoted in the script of a step.
    """
    real = node.absolute()
    if PLAIN.fullmatch(str(real)) and len(str(real)) < LONGEST:
        return real
    folder = Path(tempfile.gettempdir()) / f"tiphys-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    link = folder / hashlib.sha256(str(real).encode()).hexdigest()[:16]
    if not link.is_symlink() or link.readlink() != real:
        with suppress(FileNotFoundError):
            link.unlink()
        link.symlink_to(real)
    return link
