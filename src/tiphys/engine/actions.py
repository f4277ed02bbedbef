"""What the engine wants done. The driver does it and answers with events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tiphys.engine.node import ArtifactLocation, Phase
from tiphys.manifest.model import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAttempt:
    """Run a pod: answered by `Started`, then `Exited` or `Lost`.

    After `Resumed` it comes again for every attempt that has not ended: adopt the attempt if it
    is there, alive or with an exit code, else start it.
    `template` has every tag resolved. `input_artifacts` holds what must be placed at the paths
    that `template.inputs.artifacts` declare; an optional artifact that is absent is not in it.
    `output_keys` gives each output artifact's key in the artifact repository.
    """

    node: str
    node_name: str
    pod_name: str
    template: Template
    input_artifacts: Mapping[str, ArtifactLocation] = field(default_factory=dict)
    output_keys: Mapping[str, str] = field(default_factory=dict)
    capture_result: bool = False
    """Whether stdout becomes `outputs.result` (rule 36)."""
    deadline: datetime | None = None
    """The engine sends `Kill` then; here only for show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """End a running attempt, SIGTERM first. It is answered by `Exited`."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt:
    """Send `ClockReached` at *at*; a later `WakeAt` does not cancel this one."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The run has ended; no action follows."""

    phase: Phase
    message: str = ""


Action = StartAttempt | Kill | WakeAt | Finish
