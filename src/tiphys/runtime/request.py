"""What is asked of this package, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tiphys.engine.actions import StartAttempt
from tiphys.manifest.model import Library
from tiphys.runtime.folder import RunFolder
from tiphys.runtime.settings import Settings

Workflow = dict[str, Any]
"""A Workflow object as `kubectl get workflow -o json` prints it."""

INTERRUPTED = "Interrupted"
"""The phase of an outcome whose run can be resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    files: tuple[Path, ...]
    """The first gives what runs; further ones bring what it refers to."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """They beat those of `parameter_files`, which beat the manifest's."""
    parameter_files: tuple[Path, ...] = ()
    """YAML or JSON mappings of name to value; later ones win."""
    name: str | None = None
    """The run's name; None: the manifest's, with five random characters for a `generateName`."""
    allow_host: bool = False
    """Whether commands of images nobody vouched for may run on this host."""
    root: Path | None = None
    """Where `.tiphys` lies; None: the project's root, else the current folder."""
    bind_project: bool = True
    """Whether workflow parameters `code` and `revision` are bound to the working tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    name: str
    phase: str
    """Succeeded, Failed or Error; `Interrupted`: resume it."""
    message: str
    workflow: Workflow

    @property
    def interrupted(self) -> bool:
        """Whether the run was left resumable instead of ending."""
        return self.phase == INTERRUPTED


class Observer(Protocol):
    """Is told of a run while it goes on, from the driver's own thread."""

    def changed(self, workflow: Workflow) -> None:
        """Take the newest state; at most every 100 ms or so, and at the end."""

    def warned(self, text: str) -> None:
        """Take a warning; each text comes once a run."""


class LogLine(NamedTuple):
    node: str
    """The display name of the node that wrote it."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """This machine as the attempts of one run see it."""

    folder: RunFolder
    settings: Settings
    library: Library
    namespace: str
    observer: Observer

    def node(self, action: StartAttempt) -> Path:
        """Return the folder of the attempt."""
        return self.folder.node(action.node)
