"""Nodes: the tree that a run grows, shaped as Argo's `status.nodes`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tiphys.manifest.model import Json, TemplateRef


class NodeType(StrEnum):
    POD = "Pod"
    STEPS = "Steps"
    STEP_GROUP = "StepGroup"
    DAG = "DAG"
    TASK_GROUP = "TaskGroup"
    RETRY = "Retry"
    SUSPEND = "Suspend"
    SKIPPED = "Skipped"


class Phase(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    SKIPPED = "Skipped"
    FAILED = "Failed"
    ERROR = "Error"
    OMITTED = "Omitted"

    @property
    def fulfilled(self) -> bool:
        """Whether the node has ended, however."""
        return self not in {Phase.PENDING, Phase.RUNNING}

    @property
    def completed(self) -> bool:
        """Whether the node ran to an end: neither skipped nor omitted."""
        return self in {Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR}

    @property
    def unsuccessful(self) -> bool:
        return self in {Phase.FAILED, Phase.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLocation:
    """Where an artifact is: made by a node of this run, or at a location as written in YAML.

    `node` and `name` say which output; `key` is the object's key in the artifact repository
    (rule 39), `fields` the location otherwise (`{"s3": …}`, `{"git": …}`, `{"raw": …}`).
    """

    name: str
    node: str | None = None
    key: str | None = None
    fields: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOutputs:
    """What a finished node gave. A parameter that is None is absent (rule 26)."""

    parameters: Mapping[str, str | None] = field(default_factory=dict)
    artifacts: Mapping[str, ArtifactLocation] = field(default_factory=dict)
    result: str | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt really used: the peak of resident memory and processor time."""

    peak_memory_bytes: int = 0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of the tree; a transition returns a new value. Edges are kept by the state."""

    id: str
    name: str
    display_name: str
    type: NodeType
    phase: Phase
    template_name: str = ""
    template_ref: TemplateRef | None = None
    template_scope: str = ""
    boundary: str | None = None
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input parameters, resolved."""
    input_artifacts: Mapping[str, ArtifactLocation] = field(default_factory=dict)
    outputs: NodeOutputs = NodeOutputs()
    progress: str = ""
    """`N/M`, as the step wrote it."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The latest value of each metric the step logged."""
    usage: Usage | None = None
    host: str = ""
    hooked: bool = False
    """It is an exit handler."""
    retried: bool = False
    """It is an attempt of a Retry node."""
