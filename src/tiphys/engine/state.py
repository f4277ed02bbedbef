"""What a run is, as one value that `advance` consumes and gives back.

Nodes are frozen and shown to the world; frames, agenda and tallies are the engine's own: who
waits for whom, what is to be done next, how many children are active. Frames exist only while
their node runs.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tiphys.engine.actions import Action, StartAttempt
from tiphys.engine.events import Begun
from tiphys.engine.node import ArtifactLocation, Node, Phase
from tiphys.engine.plan import Plan
from tiphys.manifest.model import Call, Json, Manifest, Parameter, Resource, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where names of templates are looked up: the workflow, or a WorkflowTemplate (rule 62)."""

    scope: str
    """As Argo writes it: `local/NAME`, `namespaced/NAME` or `cluster/NAME`."""
    templates: Mapping[str, Template]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where in the tree a template is called, and by what."""

    name: str
    call: Call
    owner: str | None
    """The node that waits for this one; None for the entrypoint and the workflow's `onExit`."""
    boundary: str | None
    """The enclosing Steps or DAG node (rule 3)."""
    context: Context
    depth: int = 1
    exit_handler: bool = False
    """Part of an exit handler, at any depth: Stop does not touch it."""
    hooked: bool = False
    """The node is itself an exit handler."""
    retried: bool = False
    """The node is an attempt of a Retry node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A template whose inputs are settled and whose texts are filled in."""

    template: Template
    written: Template
    """The same before anything was filled in."""
    artifacts: Mapping[str, ArtifactLocation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """Arguments with every reference resolved."""

    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    """Parameters whose argument is exactly an absent output: as if not supplied (rule 26)."""
    artifacts: Mapping[str, ArtifactLocation] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    """Artifact arguments marked optional; the template's own mark is lost (rule 33)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """To do: call a template."""

    site: Site
    supplied: Supplied


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """To do: run a template whose inputs are settled, below a Retry node."""

    site: Site
    bound: Bound
    context: Context
    cut_off: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """To do: start a task whose dependencies have all ended."""

    dag: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """To do: tell the owner. `raised` is the error of a call that failed instead of running."""

    node: str
    raised: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assess:
    """To do: look again whether this node has ended."""

    node: str


@dataclass(slots=True, kw_only=True)
class PodFrame:
    site: Site
    template: Template
    start: StartAttempt
    limit: timedelta | None = None
    """How long it may take, from its start."""
    cut_off: datetime | None = None
    """When `backoff.maxDuration` is over."""
    killed: bool = False
    doom: str = ""
    """It is being killed: its message, whatever the exit code will be."""
    interrupted: bool = False


@dataclass(slots=True, kw_only=True)
class SuspendFrame:
    site: Site
    until: datetime | None = None
    """None: until the run is released."""


@dataclass(slots=True, kw_only=True)
class RetryFrame:
    id: str
    site: Site
    bound: Bound
    """All filled in but `retries` and `lastRetry`."""
    context: Context
    attempts: list[str] = field(default_factory=list)
    wakes_at: datetime | None = None
    give_up: str | None = None
    """What to say when the back-off is over and there is no other attempt (rule 41)."""
    cut_off: datetime | None = None
    """`backoff.maxDuration` kills later attempts here."""


@dataclass(slots=True, kw_only=True)
class DagFrame:
    id: str
    site: Site
    template: Template
    context: Context
    plan: Plan
    tasks: dict[str, Call]
    wanted: frozenset[str]
    """Tasks whose stdout somebody reads (rule 36)."""
    nodes: dict[str, str] = field(default_factory=dict)
    """Task to node id."""
    names: dict[str, str] = field(default_factory=dict)
    """Node id to task."""
    missing: dict[str, int] = field(default_factory=dict)
    """How many dependencies of a task have not ended."""
    handlers: dict[str, str] = field(default_factory=dict)
    """Exit handler's node id to that of the node it is for."""
    open: int = 0
    """Tasks and handlers that were begun and have not ended."""


@dataclass(slots=True, kw_only=True)
class LoopFrame:
    """A TaskGroup: the children of one looping task."""

    id: str
    site: Site
    context: Context
    children: list[str] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)
    handlers: dict[str, str] = field(default_factory=dict)
    open: int = 0


@dataclass(slots=True, kw_only=True)
class StepsFrame:
    id: str
    site: Site
    template: Template
    context: Context
    wanted: frozenset[str]
    """Steps whose stdout somebody reads (rule 36)."""
    group: int = -1
    group_id: str = ""
    children: list[str] = field(default_factory=list)
    """Of the current group."""
    calls: dict[str, Call] = field(default_factory=dict)
    """Child id to its step, in the current group."""
    handlers: dict[str, str] = field(default_factory=dict)
    open: int = 0
    results: dict[str, "StepResult"] = field(default_factory=dict)
    """What later groups see of earlier ones, by step name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """A step that has ended: its node, or for a loop its children and the group."""

    call: Call
    node: str
    children: tuple[str, ...] | None = None


Composite = DagFrame | StepsFrame
Frame = PodFrame | SuspendFrame | RetryFrame | DagFrame | LoopFrame | StepsFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Nodes of a run that a retry does not run again, and how they hang together."""

    nodes: Mapping[str, Node]
    inside: Mapping[str, list[str]]
    """By owner."""
    children: Mapping[str, Mapping[str, None]]
    outbound: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class Tally:
    """How many Pod, Steps and DAG nodes lie directly inside a boundary."""

    pods: int = 0
    """Pods that are Pending or Running."""
    children: int = 0
    """Those of any kind that are Pending or Running."""
    unsuccessful: int = 0


class Shutdown(StrEnum):
    """How a run is being ended (rule 49), in Argo's words."""

    STOP = "Stop"
    TERMINATE = "Terminate"

    @property
    def message(self) -> str:
        """What nodes say that are not begun any more, and the run itself."""
        return f"Stopped with strategy '{self.value}'"

    def spares(self, site: Site) -> bool:
        """Whether what is at *site* goes on: exit handlers do on Stop, nothing on Terminate."""
        return self is Shutdown.STOP and site.exit_handler


@dataclass(slots=True, kw_only=True)
class State:
    manifest: Manifest
    workflow: Resource
    begun: Begun
    now: datetime
    started_at: datetime
    phase: Phase = Phase.RUNNING
    message: str = ""
    finished_at: datetime | None = None
    shutdown: Shutdown | None = None
    fresh: bool = True
    """It is being begun: Argo has not given it a phase yet when it makes the first pods."""
    suspended: bool = False
    """Nothing new begins until the run is released."""
    expired: bool = False
    """The workflow's deadline has passed."""
    deadline: datetime | None = None
    nodes: dict[str, Node] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    children: dict[str, dict[str, None]] = field(default_factory=dict)
    """Edges, in the order they were drawn."""
    outbound: dict[str, tuple[str, ...]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    frames: dict[str, Frame] = field(default_factory=dict)
    tallies: dict[str | None, Tally] = field(default_factory=dict)
    active_pods: int = 0
    notices: deque[Ended | Assess] = field(default_factory=deque)
    entries: deque[Enter | Attempt | Ready] = field(default_factory=deque)
    deferred: dict[str | None, deque[Enter | Attempt]] = field(default_factory=dict)
    """Calls that wait for a limit (rule 55): that of a boundary, or of the workflow (None)."""
    eased: set[str | None] = field(default_factory=set)
    """Boundaries in which a node has ended since limits were last looked at."""
    locks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Node id to the locks it holds (rule 54)."""
    lock_waiters: list[Enter] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    timers: list[tuple[datetime, str]] = field(default_factory=list)
    """A heap: when to look again at which node; "" is the workflow's deadline."""
    verdict: tuple[Phase, str] = (Phase.SUCCEEDED, "")
    """Phase and message of the entrypoint."""
    deadlock: str = ""
    """What would have made Argo hang, if anything did (rule 28)."""
    closing: tuple[Phase, str] | None = None
    """How the run ends as soon as no pod is left (rule 65)."""
    supplied: Supplied = field(default_factory=Supplied)
    """The workflow's own arguments."""
    globals: dict[str, str | None] = field(default_factory=dict)
    """`workflow.…`, by full name."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Output parameters exported by `globalName` (rule 38)."""
    output_artifacts: dict[str, ArtifactLocation] = field(default_factory=dict)
    kept: Kept | None = None
    """What the run had before it was retried (rule 64)."""
    plans: dict[tuple[object, ...], tuple[Template, Plan]] = field(default_factory=dict)
    """By template as written."""
    defaulted: dict[int, tuple[Template, Template]] = field(default_factory=dict)
    """Templates as written, and with what the workflow gives to all."""
    shown: dict[str, tuple[Node, dict[str, Json]]] = field(default_factory=dict)
    """What `status` made of a node, to be made again only when the node has changed."""

    def ending(self, site: Site) -> Shutdown | None:
        """Return how the run is being ended, if that concerns *site*."""
        down = self.shutdown
        return None if down is None or down.spares(site) else down
