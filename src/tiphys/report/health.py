"""Whether a cluster, or this machine, has what the project needs: facts in, findings out."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tiphys.manifest.profile import Tier
from tiphys.report.quantities import amount, spelled
from tiphys.report.usage import at_last, taking, tolerations
from tiphys.report.waiting import scheduling

Object = Mapping[str, Any]
TESTED = "v4.0.7"
"""The version of Argo that the tests compare with."""
SKEW = timedelta(seconds=30)
"""More makes signatures of S3 and tokens fail, and the times of a run misleading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding. `good` None: nobody could look, or nobody can know; `found` says why."""

    what: str
    good: bool | None
    found: str
    advice: str = ""


def version(found: str) -> Check:
    """Judge Argo's version by the one that is tested."""
    minor, tested = (re.match(r"v?\d+\.\d+", text) for text in (found, TESTED))
    good = minor is not None and tested is not None and minor[0] == tested[0]
    advice = f"Tiphys is compared with {TESTED}: use that minor version, or run its cluster tests."
    other = "" if found == TESTED else f", tested with {TESTED}"
    return Check(what="Argo", good=good, found=f"{found}{other}", advice="" if good else advice)


def clock(ahead: timedelta) -> Check:
    """Judge how far the cluster's clock is ahead of ours."""
    good = abs(ahead) <= SKEW
    seconds = abs(ahead).total_seconds()
    word = "ahead of" if ahead > timedelta(0) else "behind"
    found = "agrees with ours" if good else f"is {seconds:.0f} s {word} ours"
    return Check(what="clock", good=good, found=found, advice="" if good else "Set one by NTP.")


def tier(one: Tier, nodes: Sequence[Object]) -> Check:
    """Judge whether the nodes can take a step of this tier."""
    what = f"tier {one.name}"
    fitting = taking(one, nodes)
    if not fitting:
        labels = _labels(one)
        found = "no node takes it: all have taints"
        if labels:
            found = f"no node has {labels} and no taint that it does not tolerate"
        advice = "Correct its `nodeSelector` or `tolerations`, or add such a node."
        return Check(what=what, good=False, found=found, advice=advice)
    if found := _too_large(one, fitting):
        return Check(what=what, good=False, found=found, advice="Ask for less in the profile.")
    places = sum(_places(one, node) for node in fitting)
    if places < one.nodes:
        found = f"a step takes {one.nodes} nodes; there is room for {places} of its pods"
        return Check(what=what, good=False, found=found, advice="Lower `nodes`, or add nodes.")
    found = f"room for {places} of its pods on {_names(fitting)}"
    return Check(what=what, good=True, found=found)


def on_demand(one: Tier, nodes: Sequence[Object]) -> Check | None:
    """Judge whether the nodes can take the last attempt of a preempted step of this tier.

    Without a node of that pool nobody can know: it may grow from none when a pod waits for it, or
    its label may be wrong. So `good` is None, with advice. Where the pool has nodes whose taints
    are not tolerated, the next one will have them, too: that is wrong.

    None where the last attempt has no nodes of its own.
    """
    last = at_last(one)
    if last.node_selector == one.node_selector:
        return None
    what, labels = f"tier {one.name}, on demand", _labels(last)
    pool = [node for node in nodes if scheduling.has(node, last.node_selector)]
    fitting = taking(last, nodes)
    if pool and all(_shut(last, node) for node in pool):
        found = f"all with {labels} have taints that it does not tolerate"
        advice = "Correct `onDemand.tolerations` in the profile."
        return Check(what=what, good=False, found=found, advice=advice)
    why = _too_large(last, fitting) if fitting else f"none with {labels} is ready"
    if why:
        found = f"no such node now: {why if pool else f'none has {labels}'}"
        return Check(what=what, good=None, found=found, advice=_GROWS)
    return Check(what=what, good=True, found=f"its last attempt runs on {_names(fitting)}")


_GROWS = (
    "Right if that pool grows when a pod waits for it. Else correct `onDemand` in the profile: the "
    "last attempt of a preempted step would wait for ever."
)


def _shut(one: Tier, node: Object) -> bool:
    """Whether *node* has a taint of its pool that keeps the tier away, none that will pass."""
    taints = scheduling.untolerated(node, tolerations(one))
    return any(taint["key"] not in scheduling.AWAY for taint in taints)


def _labels(one: Tier) -> str:
    return ", ".join(f"{name}={value}" for name, value in one.node_selector.items())


def _names(nodes: Iterable[Object]) -> str:
    return ", ".join(sorted(str(node["metadata"]["name"]) for node in nodes))


def _asked(one: Tier) -> dict[str, str]:
    """Return what a pod of the tier is counted with: its requests, and devices."""
    devices = {name: much for name, much in one.limits.items() if "/" in name}
    return {**one.requests, **devices}


def _too_large(one: Tier, nodes: Sequence[Object]) -> str:
    """Return what a pod of the tier asks for that none of *nodes* has; "" if it has a place."""
    for name, much in _asked(one).items():
        most = max(amount(_allocatable(node).get(name, 0)) for node in nodes)
        if amount(much) > most:
            return f"asks for {much} of {name}; the largest node has {spelled(most, name)}"
    return ""


def _allocatable(node: Object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = node["status"].get("allocatable") or {}
    return found


def _places(one: Tier, node: Object) -> int:
    """Return how many pods of the tier *node* has room for when it is empty."""
    most = [
        int(amount(_allocatable(node).get(name, 0)) / each)
        for name, much in _asked(one).items()
        if (each := amount(much))
    ]
    return min(most, default=1)


def secret(name: str, namespace: str, keys: Sequence[str], held: Object | None) -> Check:
    """Judge a Secret that the profile names; *held* None: there is none."""
    found = _holds(name, keys, held)
    if held is not None:
        return found
    given = "".join(f" --from-literal={key}=…" for key in keys)
    make = f"kubectl create secret generic {name} -n {namespace}{given}"
    return replace(found, advice=f"Make it: {make}")


def _holds(name: str, keys: Iterable[str], held: Object | None) -> Check:
    """Judge whether a Secret is there and has *keys*; without it, what makes it is left unsaid."""
    what = f"Secret {name}"
    if held is None:
        return Check(what=what, good=False, found="does not exist")
    missing = [key for key in keys if key not in (held.get("data") or {})]
    if missing:
        found = f"has no {' and no '.join(missing)}"
        return Check(what=what, good=False, found=found, advice="Add it, or correct the profile.")
    return Check(what=what, good=True, found="is there")


def clients(name: str, accounts: Iterable[str], held: Object | None, file: str) -> Check:
    """Judge the Secret in which Argo Server looks for whose signature a push has.

    *accounts* are those that a push may be of; *file* is the template of the Secret. Without it
    nobody can know whether it is missing: who has no webhook needs none.
    """
    found = _holds(name, accounts, held)
    if found.good:
        return found
    make = 'export WEBHOOK_SECRET="$(openssl rand -hex 32)"'
    make += f"; envsubst < {file} | kubectl apply -f -"
    if held is None:
        said = "does not exist, so pushes of a webhook are answered 403"
        return replace(found, good=None, found=said, advice=f"If you have one: {make}")
    return replace(found, found=f"{found.found}, so a push is nobody's: 401", advice=make)


_OWNER = "kubernetes.io/service-account.name"


def token(ours: Object, theirs: Object | None, file: str) -> Check:
    """Judge the Secret of an account's token: whose it is and its type, never what is in it."""
    if theirs is None:
        return installed(ours, None, file)
    owner, wanted = (
        (one["metadata"].get("annotations") or {}).get(_OWNER, "none") for one in (theirs, ours)
    )
    found = f"is for the account {owner}, not {wanted}" if owner != wanted else ""
    kind, needed = (one.get("type", "Opaque") for one in (theirs, ours))
    if kind != needed:
        found = f"is of the type {kind}, not {needed}"
    advice = f"Delete it, then: kubectl apply -f {file}" if found else ""
    what = f"Secret {ours['metadata']['name']}"
    return Check(what=what, good=not found, found=found or "is there", advice=advice)


def installed(ours: Object, theirs: Object | None, file: str) -> Check:
    """Judge whether the cluster has a rendered document as it is rendered now."""
    what = f"{ours['kind']} {ours['metadata']['name']}"
    advice = f"kubectl apply -f {file}"
    if theirs is None:
        return Check(what=what, good=False, found="is not installed", advice=advice)
    others = list(_differences(_meaning(ours), _meaning(theirs), ""))
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        found = f"differs from what is rendered, at {others[0]}{more}"
        return Check(what=what, good=False, found=found, advice=advice)
    return Check(what=what, good=True, found="is as rendered")


def schedule(ours: Object, theirs: Object | None, file: str, on: str) -> Check:
    """Judge a rendered CronWorkflow as `installed` does, but for whether it is suspended.

    `tiphys cron suspend` suspends what the cluster has, and applying what is rendered leaves that.
    Whether somebody means it nobody can know, so `good` is None, with advice for the profile *on*.
    """
    found = installed(_awake(ours), theirs and _awake(theirs), file)
    if not found.good or not _is_suspended(theirs) or _is_suspended(ours):
        return found
    said = "is suspended, otherwise as rendered: it starts nothing"
    advice = f"If nobody means it to be: tiphys cron resume {ours['metadata']['name']} --on {on}"
    return replace(found, good=None, found=said, advice=advice)


def _is_suspended(cron: Object | None) -> bool:
    return bool(((cron or {}).get("spec") or {}).get("suspend"))


def _awake(cron: Object) -> Object:
    """Return a CronWorkflow without the word whether it is suspended."""
    spec = cron.get("spec") or {}
    return {**cron, "spec": {name: part for name, part in spec.items() if name != "suspend"}}


def _meaning(document: Object) -> Any:
    """Return what somebody wrote of an object: not what a server adds."""
    parts = {name: document.get(name) for name in ("spec", "rules", "roleRef", "subjects", "data")}
    metadata = document["metadata"]
    noted = metadata.get("annotations") or {}
    parts["annotations"] = {
        name: text
        for name, text in noted.items()
        if name.startswith(("tiphys.dev/", "workflows.argoproj.io/"))
    }
    return _plain(parts)


def _plain(value: Any) -> Any:
    """Return *value* without what is empty, and with scalars as text."""
    if isinstance(value, Mapping):
        cleaned = {str(name): _plain(part) for name, part in value.items()}
        return {name: part for name, part in cleaned.items() if part not in (None, "", {}, [])}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if value is None else str(value)


def _differences(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    """Yield where *theirs* is not *ours*."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted({*ours, *theirs}):
            yield from _differences(ours.get(name), theirs.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(one, other, f"{path}[{number}]")
    elif ours != theirs and not _same_amount(ours, theirs):
        yield path


def _same_amount(ours: Any, theirs: Any) -> bool:
    """Whether both are one quantity: a server writes 1000m as 1."""
    texts = isinstance(ours, str) and isinstance(theirs, str)
    return texts and amount(ours) == amount(theirs) != 0


def right(rule: tuple[str, str, str], needed_by: str, *, allowed: bool) -> Check:
    """Judge one right of the token: (group, resource, verb)."""
    group, resource, verb = rule
    what = f"right to {verb} {resource}"
    if allowed:
        return Check(what=what, good=True, found="is given")
    name = f"{resource}.{group}" if group else resource
    return Check(
        what=what,
        good=False,
        found=f"is missing, so {needed_by} will be refused",
        advice=f"Bind the token's account to the Role tiphys-submitter ({verb} {name}).",
    )
