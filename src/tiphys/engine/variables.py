"""The names that every text of a run may use: `workflow.…`."""

import json
from collections.abc import Mapping
from datetime import datetime

from tiphys.engine import inputs, jsontext
from tiphys.engine.faults import TemplateError
from tiphys.engine.naming import pod_name
from tiphys.engine.node import Phase
from tiphys.engine.state import State, Supplied
from tiphys.engine.words import Words
from tiphys.errors import UserError
from tiphys.expression import Environment
from tiphys.manifest import choices
from tiphys.manifest.model import Parameter

STRFTIME = {
    "B": "%B", "b": "%b", "m": "%m", "A": "%A", "a": "%a", "d": "%d", "H": "%H", "I": "%I",
    "M": "%M", "S": "%S", "Y": "%Y", "y": "%y", "p": "%p", "Z": "%Z", "z": "%z",
}  # fmt: skip


def rfc3339(moment: datetime) -> str:
    """Return *moment* as Argo writes times.

    >>> rfc3339(datetime.fromisoformat("2026-01-31T06:05:04+00:00"))
    '2026-01-31T06:05:04Z'
    """
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def words(state: State) -> Words:
    """Return what the workflow alone gives to texts."""
    return Words(state.globals, environment(state))


def environment(state: State) -> Environment:
    """Return the clock and the dice as of this event: replaying it gives the same."""
    return Environment(now=state.now, seed=state.begun.seed + len(state.nodes))


def begin(state: State) -> None:
    """Fill in what is known from the start, parameters last: they may use the rest.

    Raises: UserError: a parameter has no value, or one that its enum does not list.
    """
    workflow, begun = state.workflow, state.begun
    names = state.globals
    names["workflow.name"] = begun.name
    names["workflow.namespace"] = workflow.namespace or "default"
    names["workflow.uid"] = begun.uid
    names["workflow.mainEntrypoint"] = workflow.spec.entrypoint or ""
    names["workflow.serviceAccountName"] = "default"
    names.update(created(begun.at))
    listed(names, "workflow.annotations", workflow.annotations)
    listed(names, "workflow.labels", workflow.labels)
    tick(state)
    declared = workflow.spec.arguments.parameters
    others = begun.parameters.keys() - {one.name for one in declared}  # as `argo submit -p` adds
    everything = (*declared, *(Parameter(name=name) for name in sorted(others)))
    parameters = tuple(settled(state, one) for one in everything)
    text = jsontext.ordered([inputs.described(one) for one in parameters])
    names["workflow.parameters"] = names["workflow.parameters.json"] = text
    state.supplied = Supplied(parameters={one.name: one for one in parameters})


def tick(state: State) -> None:
    """Bring the names up to date that change while the run goes on."""
    elapsed = ((state.finished_at or state.now) - state.started_at).total_seconds()
    state.globals["workflow.duration"] = f"{elapsed:.6f}"
    state.globals["workflow.status"] = "" if state.fresh else state.phase.value


def created(at: datetime) -> dict[str, str]:
    """Return the spellings of the creation time (rule 40)."""
    prefix = "workflow.creationTimestamp"
    names = {f"{prefix}.{letter}": at.strftime(code) for letter, code in STRFTIME.items()}
    names |= {prefix: rfc3339(at), f"{prefix}.RFC3339": rfc3339(at)}
    names |= {
        f"{prefix}.s": str(int(at.timestamp())),
        f"{prefix}.L": f"{at.microsecond // 1000:03}",
    }
    return names


def listed(names: dict[str, str | None], prefix: str, values: Mapping[str, str]) -> None:
    names[prefix] = names[f"{prefix}.json"] = jsontext.compact(dict(values))
    names.update({f"{prefix}.{key}": value for key, value in values.items()})


def settled(state: State, declared: Parameter) -> Parameter:
    """Return a workflow parameter with its value, and make it a name."""
    given = {}
    if declared.name in state.begun.parameters:
        value = state.begun.parameters[declared.name]
        given = {declared.name: Parameter(name=declared.name, value=value)}
    try:
        found = inputs.value_of(state, declared, Supplied(parameters=given), words(state))
        value = words(state).lenient(found.value or "")
    except TemplateError as error:
        message = f'parameter "{declared.name}" has no value ({error}).'
        raise UserError(
            str(declared.at), message, f"Give one: -p {declared.name}=VALUE."
        ) from error
    choices.check(declared, value)
    state.globals[f"workflow.parameters.{declared.name}"] = value
    return Parameter(name=declared.name, value=value, enum=declared.enum)


def failures(state: State) -> str:
    """Return `workflow.failures`: a JSON list, quoted once more as a string (rule 40)."""
    failed = [node for node in state.nodes.values() if node.phase.unsuccessful]
    rows = [
        {
            "displayName": node.display_name,
            "message": node.message,
            "templateName": node.template_ref.template if node.template_ref else node.template_name,
            "phase": node.phase.value,
            "podName": pod_name(
                state.begun.name,
                node.name,
                node.template_ref.template if node.template_ref else node.template_name,
            ),
            "finishedAt": rfc3339(node.finished_at) if node.finished_at else None,
        }
        for node in failed
    ]
    return json.dumps(jsontext.ordered(rows or None), ensure_ascii=False)


def conclude(state: State, phase: Phase) -> None:
    """Set what exit handlers read: the final status and the failures."""
    tick(state)
    state.globals["workflow.status"] = phase.value
    state.globals["workflow.failures"] = failures(state)
