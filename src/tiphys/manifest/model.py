"""The manifest as values: what the engine runs, each knowing where it was written.

Names are Argo's, in snake case. Every text field may still hold tags (`{{…}}`); `manifest` never
resolves them. A field the engine does not run is not here: `support` says what becomes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = Any
"""A decoded JSON value: None, bool, int, float, str, list or dict."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a manifest. Line and column count from 1; line 0 means "not from a file"."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file or "-"


NOWHERE = Position()


class Archive(StrEnum):
    """How an output artifact is packed. Argo's default is a gzipped tar."""

    TAR = "tar"
    ZIP = "zip"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapKey:
    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutex:
    name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Semaphore:
    config_map_key_ref: ConfigMapKey | None = None
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synchronization:
    """The locks that a template holds while it runs."""

    mutexes: tuple[Mutex, ...] = ()
    semaphores: tuple[Semaphore, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFrom:
    """Where a parameter's value comes from; exactly one source, beside `default`."""

    path: str | None = None
    parameter: str | None = None
    expression: str | None = None
    config_map_key_ref: ConfigMapKey | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    name: str
    value: str | None = None
    default: str | None = None
    value_from: ValueFrom | None = None
    enum: tuple[str, ...] = ()
    description: str | None = None
    global_name: str | None = None
    at: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An artifact declaration or argument.

    `location` is the storage part as written in the manifest, one entry such as
    `{"s3": {"key": …}}`, `{"git": {"repo": …, "revision": …}}`, `{"http": …}` or `{"raw": …}`;
    None when the artifact repository decides.
    """

    name: str
    path: str | None = None
    from_: str | None = None
    from_expression: str | None = None
    optional: bool = False
    archive: Archive | None = None
    mode: int | None = None
    global_name: str | None = None
    location: Mapping[str, Json] | None = None
    at: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What a caller hands to a template, or the workflow to its entrypoint."""

    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentVariable:
    """`value`, or `value_from` as written (secretKeyRef, configMapKeyRef, fieldRef)."""

    name: str
    value: str | None = None
    value_from: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container or, when `source` is set, a script."""

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    source: str | None = None
    env: tuple[EnvironmentVariable, ...] = ()
    env_from: tuple[Mapping[str, Json], ...] = ()
    working_dir: str | None = None
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    at: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Argo's spelling is kept: numbers of seconds or Go durations, as text."""

    duration: str | None = None
    factor: str | None = None
    max_duration: str | None = None
    cap: str | None = None


class RetryPolicy(StrEnum):
    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    ON_ERROR = "OnError"
    ON_TRANSIENT_ERROR = "OnTransientError"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStrategy:
    """`limit` None means: for ever. `policy` None means Argo's default (rule 41)."""

    limit: str | None = None
    policy: RetryPolicy | None = None
    backoff: Backoff | None = None
    expression: str | None = None
    affinity: Mapping[str, Json] | None = None
    at: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueOn:
    error: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRef:
    """A template of another WorkflowTemplate, or of a ClusterWorkflowTemplate."""

    name: str
    template: str
    cluster_scope: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One element of `withItems`, as compact JSON text: numbers keep their spelling (rule 6)."""

    json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    count: str | None = None
    start: str | None = None
    end: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A step of a `steps` template or a task of a `dag`: which template, with what, when.

    Exactly one of `template`, `template_ref`, `inline` is set. `depends` and `dependencies`
    belong to tasks only.
    """

    name: str
    template: str | None = None
    template_ref: TemplateRef | None = None
    inline: "Template | None" = None
    arguments: Arguments = Arguments()
    when: str | None = None
    with_items: tuple[Item, ...] | None = None
    with_param: str | None = None
    with_sequence: Sequence | None = None
    continue_on: ContinueOn | None = None
    depends: str | None = None
    dependencies: tuple[str, ...] = ()
    on_exit: str | None = None
    on_exit_arguments: Arguments = Arguments()
    at: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dag:
    tasks: tuple[Call, ...]
    target: str | None = None
    fail_fast: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """A step that waits: for *duration*, or to be resumed."""

    duration: str | None = None


class TemplateKind(StrEnum):
    """Argo's node types for what a template makes."""

    POD = "Pod"
    STEPS = "Steps"
    DAG = "DAG"
    SUSPEND = "Suspend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Exactly one of `container` (also for scripts), `steps`, `dag`, `suspend` is set."""

    name: str
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    container: Container | None = None
    steps: tuple[tuple[Call, ...], ...] | None = None
    dag: Dag | None = None
    suspend: Suspend | None = None
    retry_strategy: RetryStrategy | None = None
    timeout: str | None = None
    active_deadline_seconds: str | None = None
    fail_fast: bool | None = None
    parallelism: int | None = None
    synchronization: Synchronization | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    pod: Mapping[str, Json] = field(default_factory=dict)
    """Pod fields a laptop ignores and a status shows: nodeSelector, tolerations, podSpecPatch …"""
    at: Position = field(default=NOWHERE, compare=False)

    @property
    def kind(self) -> TemplateKind:
        if self.steps is not None:
            return TemplateKind.STEPS
        if self.suspend is not None:
            return TemplateKind.SUSPEND
        return TemplateKind.DAG if self.dag is not None else TemplateKind.POD


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSpec:
    entrypoint: str | None = None
    arguments: Arguments = Arguments()
    templates: tuple[Template, ...] = ()
    on_exit: str | None = None
    on_exit_arguments: Arguments = Arguments()
    workflow_template_ref: TemplateRef | None = None
    retry_strategy: RetryStrategy | None = None
    active_deadline_seconds: int | None = None
    parallelism: int | None = None
    template_defaults: Mapping[str, Json] | None = None
    """As written: it is merged under every template before decoding (rule 59)."""
    workflow_metadata_labels: Mapping[str, str] = field(default_factory=dict)
    workflow_metadata_labels_from: Mapping[str, str] = field(default_factory=dict)
    """Expressions, by label."""
    workflow_metadata_annotations: Mapping[str, str] = field(default_factory=dict)
    at: Position = field(default=NOWHERE, compare=False)


class Kind(StrEnum):
    WORKFLOW = "Workflow"
    WORKFLOW_TEMPLATE = "WorkflowTemplate"
    CLUSTER_WORKFLOW_TEMPLATE = "ClusterWorkflowTemplate"
    CRON_WORKFLOW = "CronWorkflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One document: a Workflow or something a Workflow is made from.

    `raw` is the document as plain JSON, so that what we do not model is still shown and submitted.
    """

    kind: Kind
    name: str
    generate_name: str | None = None
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: WorkflowSpec
    raw: Mapping[str, Json] = field(default_factory=dict, compare=False)
    at: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMap:
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Everything a run may refer to, by name: the "cluster" of a laptop."""

    templates: Mapping[str, Resource] = field(default_factory=dict)
    cluster_templates: Mapping[str, Resource] = field(default_factory=dict)
    config_maps: Mapping[str, ConfigMap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `tiphys run FILE [FILE …]` starts from.

    `main` is the first runnable document of the first file (a Workflow, else a WorkflowTemplate
    or CronWorkflow, which becomes a Workflow that refers to it); the others are its library.
    """

    main: Resource
    library: Library = Library()
    files: tuple[str, ...] = ()
