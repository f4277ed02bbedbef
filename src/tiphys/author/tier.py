"""A tier as fields of Argo's template: what it has a field for, and a patch for what it has not."""

import json
import re
from typing import Any

from hera.workflows import models

from tiphys.author.faults import AuthoringError
from tiphys.manifest.profile import Tier

Json = dict[str, Any]

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


def fields(tier: Tier, *, growing: bool) -> Json:
    """Return the template fields that put a step on *tier*, keyed as in YAML.

    *growing*: every further attempt gets the tier's memory once more.
    """
    found: Json = {name: value for name, value in tier.pod.items() if name in _FIELDS}
    if tier.node_selector:
        found["nodeSelector"] = dict(tier.node_selector)
    if tier.tolerations:
        found["tolerations"] = [dict(toleration) for toleration in tier.tolerations]
    patch = {name: value for name, value in tier.pod.items() if name not in _FIELDS}
    if growing:
        patch["containers"] = [{"name": "main", "resources": _growing_memory(tier)}]
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
    needed = workers * max(1, tier.devices)
    if tier.capacity is not None and needed > tier.capacity:
        each = f"{tier.devices} devices each" if tier.devices > 1 else "one device each"
        raise AuthoringError(
            task,
            f"a gang of {workers} with {each} needs {needed}, "
            f'but tier "{tier.name}" has {tier.capacity} in the whole cluster.',
            "Ask for fewer workers or take a larger tier.",
        )


def _growing_memory(tier: Tier) -> Json:
    grown = {}
    for kind, amounts in (("requests", tier.requests), ("limits", tier.limits)):
        if "memory" in amounts:
            grown[kind] = {"memory": _times_attempt(tier, amounts["memory"])}
    if not grown:
        raise AuthoringError(
            tier.name,
            "says no memory, so a retry cannot have more of it.",
            "Give the tier a memory limit in profile.yaml.",
        )
    return grown


def _times_attempt(tier: Tier, quantity: str) -> str:
    """Return *quantity* times the number of the attempt, as Argo evaluates it (rule 61)."""
    match = re.fullmatch(r"([0-9]+)([A-Za-z]*)", quantity)
    if not match:
        raise AuthoringError(tier.name, f"has memory {quantity}, no whole number of units.")
    return f"{{{{=(asInt(retries) + 1) * {match[1]}}}}}{match[2]}"


def _ordinary(limits: Any) -> dict[str, str]:
    return {name: str(value) for name, value in limits.items() if name in ("cpu", "memory")}


def _quantities(amounts: Any) -> dict[str, models.Quantity] | None:
    return {name: models.Quantity(root=str(value)) for name, value in amounts.items()} or None
