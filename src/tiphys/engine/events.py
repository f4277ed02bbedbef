"""What happens to a run. Each event says when, so that the engine needs no clock.

An event is written to the journal before it is applied; replaying the journal gives the same
state. Everything random or timed that an evaluation used is part of the event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tiphys.engine.node import NodeOutputs, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The run starts: its name and identity are fixed here."""

    at: datetime
    name: str
    uid: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Workflow parameters given at submit; they beat the manifest's."""
    seed: int = 0
    """For random functions in expressions (rule: pure means no randomness)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An attempt's process runs."""

    at: datetime
    node: str
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A running attempt reported progress (`N/M`, "" for none) or metrics."""

    at: datetime
    node: str
    progress: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """An attempt's process ended.

    `exit_code` is that of the container `main`. `problem` is set when the attempt failed outside
    of main (inputs could not be placed, a required output is missing): such a node is an Error
    (rules 23, 24). `message` is the termination message, at most 4 KB.
    """

    at: datetime
    node: str
    exit_code: int | None
    outputs: NodeOutputs = NodeOutputs()
    message: str = ""
    reason: str = "Error"
    """What Kubernetes calls the end of a container that failed: Error or OOMKilled."""
    problem: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """An attempt vanished without an exit code, as when a pod is deleted: an Error."""

    at: datetime
    node: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Ctrl-C reached the attempt: on resume it starts again and spends no retry."""

    at: datetime
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReached:
    """The time asked for by `WakeAt` has come."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The user stops the run: running attempts are killed, exit handlers still run (rule 49)."""

    at: datetime
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """The user ends the run at once: exit handlers neither run on nor start (rule 49)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    """The user holds the run: what runs goes on, nothing new begins (rule 49)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The user lets a suspended run go on."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A new driver took the run over: all that is outstanding is said to it again.

    That is `StartAttempt` for each attempt that has not ended, `Kill`, `WakeAt` and, if the run
    is over, `Finish`. So a driver replays the journal, ignores every action, and begins here.
    """

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """The user retries a failed run: failed nodes are deleted and made anew (rule 64)."""

    at: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)


Event = (
    Begun
    | Started
    | Progressed
    | Exited
    | Lost
    | Interrupted
    | ClockReached
    | Stopped
    | Terminated
    | Suspended
    | Released
    | Resumed
    | Retried
)
