"""This machine: a run is a folder, a step is a process, and the engine decides.

Law: nothing here decides what runs next. Each event is in the journal before the engine sees it,
so whatever dies (driver, nursery, machine), `resume` goes on from the journal; an attempt is
started at most once. The verbs are functions that return values; they print nothing.
"""

from tiphys.runtime.binding import read_parameters
from tiphys.runtime.faults import RefusedError
from tiphys.runtime.project import ProjectCode, pack_project
from tiphys.runtime.reading import (
    artifact,
    deferred,
    driven,
    get,
    list_runs,
    logs,
    run_folder,
    watch,
)
from tiphys.runtime.request import (
    INTERRUPTED,
    LogLine,
    Observer,
    Outcome,
    RunRequest,
    Workflow,
)
from tiphys.runtime.running import (
    delete,
    resubmit,
    resume,
    retry,
    root_here,
    run,
    stop,
    suspend,
    terminate,
)

__all__ = [
    "INTERRUPTED",
    "LogLine",
    "Observer",
    "Outcome",
    "ProjectCode",
    "RefusedError",
    "RunRequest",
    "Workflow",
    "artifact",
    "deferred",
    "delete",
    "driven",
    "get",
    "list_runs",
    "logs",
    "pack_project",
    "read_parameters",
    "resubmit",
    "resume",
    "retry",
    "root_here",
    "run",
    "run_folder",
    "stop",
    "suspend",
    "terminate",
    "watch",
]
