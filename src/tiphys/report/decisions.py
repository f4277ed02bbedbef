"""Why an ended attempt was followed by another or not, told from the Workflow object alone.

A template made by `tiphys.author` carries its retry policies as JSON in an annotation. Each is
asked again what Argo, or our engine, asked them all at once: so nothing is recorded, and a run on
a cluster is explained as one here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tiphys import expression
from tiphys.engine import durations, retry
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import Phase
from tiphys.manifest import patch
from tiphys.manifest.model import Backoff

Object = Mapping[str, Any]

ANNOTATION = "tiphys.dev/retries"

_NO_DICE = expression.Environment(now=datetime(1970, 1, 1, tzinfo=UTC), seed=0)
"""A policy reads an attempt; it has no use for a clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy:
    """What the annotation says of one policy."""

    name: str
    when: str
    attempts: int
    more_memory: bool
    another_node: bool
    last_on_demand: bool
    advice: str

    def knows(self, names: Mapping[str, str]) -> bool:
        scope = {"retries": names["retries"], "lastRetry": _nested(names)}
        try:
            return expression.evaluate(self.when, scope, _NO_DICE) is True
        except expression.ExpressionError:
            return False


def policies(template: Object) -> str:
    """Return for which failures a step of *template* is tried again, and how often; "" unknown."""
    return ", ".join(_often(one, moves=_moves(template)) for one in _policies(template))


def told(template: Object, attempts: Sequence[Object], ending: str | None = None) -> list[str]:
    """Return for each of *attempts* (nodes, the first one first) what was decided after it.

    "" for one that has not failed, and for all where the template does not tell its policies.
    *ending* is the message of their Retry node, None while there may be another attempt.
    """
    asked = _policies(template)
    said = []
    earlier: list[_Policy] = []  # those that knew each attempt so far, again and again
    for number, node in enumerate(attempts):
        if not asked or node.get("phase") not in {Phase.FAILED, Phase.ERROR}:
            said.append("")
            continue
        names = _names(node, number)
        known = [one for one in asked if one.knows(names)]
        last = ending if number + 1 == len(attempts) else None
        said.append(_decision(known, template, number, last) or _spent(known, earlier, number))
        earlier += known
    return said


def _decision(known: Sequence[_Policy], template: Object, number: int, ending: str | None) -> str:
    """Return what policies that know the failure of attempt *number* (from 0) decided.

    "" if each of them has spent its attempts.
    """
    if never := next((one for one in known if not one.attempts), None):
        return f"{never.name}: never tried again{_because(never)}"
    if not known:
        return "no policy is for this failure: not tried again"
    left = next((one for one in known if number < one.attempts), None)
    if left is not None and ending is not None:
        return f"{left.name}: not tried again, for the run was ended: {ending}"
    if left is not None:
        return f"{left.name} ({number + 1} of {left.attempts}): {_again(left, template, number)}"
    return ""


def _spent(known: Sequence[_Policy], earlier: Sequence[_Policy], number: int) -> str:
    """Return why there is none after attempt *number*: all count, whatever ended them."""
    spent = max(known, key=lambda one: (one.attempts, earlier.count(one)))
    own = earlier.count(spent)
    if own == number:
        times = "once" if number == 1 else f"{number} times"
        return f"{spent.name}: tried again {times}, not any more{_because(spent)}"
    others = "another attempt" if number == 1 else f"{number} other attempts"
    why = _because(spent) if own or spent.more_memory else ""  # memory had grown with each of them
    return f"{spent.name}: not after {others}{why}"


def _again(policy: _Policy, template: Object, number: int) -> str:
    said = f"again{_wait(template, number + 1)}"
    if policy.more_memory and (memory := _limit(template, number + 1)):
        said += f", with {memory} of memory"
    if policy.another_node:
        said += ", on another node"
    if policy.last_on_demand and number + 1 == policy.attempts and _moves(template):
        said += ", on demand"
    return said


def _often(policy: _Policy, *, moves: bool) -> str:
    if not policy.attempts:
        return f"{policy.name} 0"
    changes = [
        words
        for words, does in (
            ("more memory", policy.more_memory),
            ("another node", policy.another_node),
            ("the last on demand", policy.last_on_demand and moves),
        )
        if does
    ]
    return f"{policy.name} {policy.attempts}" + (f" ({', '.join(changes)})" if changes else "")


def _because(policy: _Policy) -> str:
    return f"; {policy.advice}" if policy.advice else ""


def _wait(template: Object, attempts: int) -> str:
    strategy = template.get("retryStrategy") or {}
    spec = strategy.get("backoff") or {}
    try:
        wait = retry.backoff(
            Backoff(
                duration=str(spec.get("duration", "")),
                factor=str(spec["factor"]) if "factor" in spec else None,
                cap=str(spec["cap"]) if "cap" in spec else None,
            ),
            attempts,
        )
    except TemplateError:
        return ""
    return f" after {durations.human(wait)}" if wait > timedelta(0) else ""


def _names(node: Object, number: int) -> dict[str, str]:
    """Return what Argo's expression saw of *node*."""
    code = (node.get("outputs") or {}).get("exitCode")
    started, ended = (_moment(node.get(key)) for key in ("startedAt", "finishedAt"))
    return retry.names(
        retry.Failure(
            phase=Phase(node["phase"]),
            message=str(node.get("message") or ""),
            attempts=number + 1,
            exit_code=None if code is None else int(code),
            first_started=started,
            started=started,
            ended=ended,
        )
    )


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime(1970, 1, 1, tzinfo=UTC)


def _nested(names: Mapping[str, str]) -> dict[str, str]:
    prefix = "lastRetry."
    return {name.removeprefix(prefix): v for name, v in names.items() if name.startswith(prefix)}


def _limit(template: Object, attempt: int) -> str | None:
    """Return the memory limit of attempt number *attempt*, from 0, as its patch will say it."""
    scope = expression.Scope({"retries": str(attempt), "lastRetry.message": ""}, _NO_DICE)
    try:
        patched = expression.substitute(str(template.get("podSpecPatch") or ""), scope)
    except expression.ExpressionError:
        return None
    return patch.memory_limit(patched, "main")


def _moves(template: Object) -> bool:
    """Whether the template chooses other nodes for its last attempt."""
    return '"nodeSelector"' in str(template.get("podSpecPatch") or "")


def _policies(template: Object) -> list[_Policy]:
    text = (template.get("annotations") or {}).get(ANNOTATION)
    try:
        listed = json.loads(text) if text else []
        return [
            _Policy(
                name=str(one["for"]),
                when=str(one["when"]),
                attempts=int(one["attempts"]),
                more_memory=bool(one.get("more_memory")),
                another_node=bool(one.get("another_node")),
                last_on_demand=bool(one.get("last_on_demand")),
                advice=str(one.get("advice", "")),
            )
            for one in listed
        ]
    except (ValueError, KeyError, TypeError):
        return []  # somebody else's words
