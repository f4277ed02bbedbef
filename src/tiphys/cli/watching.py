"""Looking on while somebody else brings a run to its end."""

from collections.abc import Iterator

from tiphys.runtime import INTERRUPTED, Observer, Outcome, Workflow


def watched(name: str, states: Iterator[Workflow], display: Observer, suffix: str) -> Outcome:
    """Show the *states* of a run; Ctrl-C ends the watching, not the run.

    *suffix* is what a command needs to ask the same place.
    """
    workflow: Workflow = {}
    try:
        for workflow in states:
            display.changed(workflow)
    except KeyboardInterrupt:
        words = f"{name}{suffix}"
        message = f"{name} goes on. Type: tiphys watch {words}, or: tiphys stop {words}"
        return Outcome(name=name, phase=INTERRUPTED, message=message, workflow=workflow)
    status = workflow.get("status") or {}
    message = status.get("message") or ""
    return Outcome(name=name, phase=status["phase"], message=message, workflow=workflow)
