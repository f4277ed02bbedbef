"""A tier as fields of Argo's template: what it has a field for, and a patch for what it has not."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hera.workflows import models

from tiphys.author.document import Json
from tiphys.author.faults import AuthoringError
from tiphys.author.retries import RetryPolicy
from tiphys.manifest.profile import Tier
from tiphys.step.failures import ON_NODE

_FIELDS = {
    "affinity",
    "automountServiceAccountToken",
    "hostAliases",
    "initContainers",
    "priorityClassName",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "sidecars",
    "volumes",
}
"""Pod fields that Argo's template has under the same name."""


BAD_NODE = (
    f"{{{{=sprig.trimPrefix('{ON_NODE}',"
    f" sprig.regexFind('{ON_NODE}[a-z0-9.-]+', lastRetry.message))}}}}"
)
"""The node that the last attempt's message calls bad; "" is the name of none. No backslash, no
double quote: this stands in a text in a text."""


GRACE_SECONDS = 120
"""For a step of a training and a checkpoint, when its pod is told to go."""


def fields(tier: Tier, policies: Sequence[RetryPolicy], *, saves: bool) -> Json:
    """Return the template fields that put a step on *tier*, keyed as in YAML.

    One that *saves* what it has done when it is told to go gets the time for it.

    What *policies* change from attempt to attempt is a `podSpecPatch`, which alone may read
    `retries` and `lastRetry` (rule 61).
    """
    found: Json = {name: value for name, value in tier.pod.items() if name in _FIELDS}
    if tier.node_selector:
        found["nodeSelector"] = dict(tier.node_selector)
    if tolerations := _tolerations(tier):
        found["tolerations"] = tolerations
    patch = {name: value for name, value in tier.pod.items() if name not in _FIELDS}
    if saves:
        patch.setdefault("terminationGracePeriodSeconds", GRACE_SECONDS)
    if grows := max((one.attempts for one in policies if one.more_memory), default=0):
        patch["containers"] = [{"name": "main", "resources": _growing_memory(tier, grows)}]
    if last := max((one.attempts for one in policies if one.last_on_demand), default=0):
        patch |= _on_demand(tier, last)
    if any(one.another_node and one.attempts for one in policies):
        patch["affinity"] = _off_the_bad_node(tier)
    if patch:
        found["podSpecPatch"] = json.dumps(patch, separators=(",", ":"))
    return found


def resources(tier: Tier) -> models.ResourceRequirements:
    """Return requests and limits; what has only a limit is requested in full."""
    requests = {**_ordinary(tier.limits), **tier.requests}
    return models.ResourceRequirements(
        requests=_quantities(requests), limits=_quantities(dict(tier.limits))
    )


def check_gang(task: str, tier: Tier, workers: int) -> None:
    """Raise `AuthoringError` where the *workers* of *task* ask for more than *tier* has."""
    if workers % tier.nodes:
        raise AuthoringError(
            task,
            f'has {workers} workers, which the {tier.nodes} nodes of tier "{tier.name}" '
            "cannot share.",
            f"Give a multiple of {tier.nodes}.",
        )
    pods = workers if tier.nodes == 1 else tier.nodes
    needed = pods * max(1, tier.devices)
    if tier.capacity is not None and needed > tier.capacity:
        each = f"{tier.devices} devices each" if tier.devices > 1 else "one device each"
        raise AuthoringError(
            task,
            f"a gang of {pods} with {each} needs {needed}, "
            f'but tier "{tier.name}" has {tier.capacity} in the whole cluster.',
            "Ask for fewer workers or take a larger tier.",
        )


def _growing_memory(tier: Tier, attempts: int) -> Json:
    """Return the limit of each attempt. The request stays: who fitted once fits again."""
    if "memory" not in tier.limits:
        raise AuthoringError(
            tier.name,
            "has no memory limit, so a retry cannot have more of it.",
            "Give the tier one in profile.yaml.",
        )
    quantity = tier.limits["memory"]
    match = re.fullmatch(r"([0-9]+)([A-Za-z]*)", quantity)
    if not match:
        raise AuthoringError(tier.name, f"has memory {quantity}, no whole number of units.")
    times = f"(min(asInt(retries), {attempts}) + 1)"
    return {"limits": {"memory": f"{{{{={times} * {match[1]}}}}}{match[2]}"}}


def _on_demand(tier: Tier, last: int) -> Json:
    """Return what moves attempt number *last*, counted from 0, to nodes that are not taken away."""
    if tier.on_demand is None:
        return {}
    spot, stays = tier.node_selector, tier.on_demand.node_selector
    chosen = {
        name: f"{{{{=asInt(retries) >= {last} ? '{stays[name]}' : '{spot[name]}'}}}}"
        for name in stays
        if stays[name] != spot[name]
    }
    return {"nodeSelector": chosen} if chosen else {}


def _tolerations(tier: Tier) -> list[Json]:
    """Return those of all the tier's nodes: a toleration only allows, the selector decides."""
    found = [dict(toleration) for toleration in tier.tolerations]
    if tier.on_demand is not None:
        for toleration in map(dict, tier.on_demand.tolerations):
            if toleration not in found:
                found.append(toleration)
    return found


def _off_the_bad_node(tier: Tier) -> Json:
    """Return the tier's affinity and: not on the node whose device the last attempt named.

    `retryStrategy.affinity` (rule 44a) would keep off the nodes of all failed attempts, whatever
    ended them, and after as many as there are nodes wait for ever.
    """
    bad = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [BAD_NODE]}
    affinity: Mapping[str, Any] = tier.pod.get("affinity") or {}
    node = affinity.get("nodeAffinity") or {}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = (node.get(required) or {}).get("nodeSelectorTerms") or [{}]
    kept = [{**one, "matchExpressions": [*one.get("matchExpressions", ()), bad]} for one in terms]
    return {**affinity, "nodeAffinity": {**node, required: {"nodeSelectorTerms": kept}}}


def _ordinary(limits: Any) -> dict[str, str]:
    return {name: str(value) for name, value in limits.items() if name in ("cpu", "memory")}


def _quantities(amounts: Any) -> dict[str, models.Quantity] | None:
    return {name: models.Quantity(root=str(value)) for name, value in amounts.items()} or None
