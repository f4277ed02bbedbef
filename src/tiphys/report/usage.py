"""Who uses which tier: the steps that run and wait, and what there is for them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tiphys.manifest.profile import ORDINARY, Tier
from tiphys.report.quantities import amount
from tiphys.report.rows import moment, templates_of
from tiphys.report.waiting import gangs, scheduling
from tiphys.report.waiting.order import template_name

Object = Mapping[str, Any]
TIER = "tiphys.dev/tier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One step that runs, or waits to."""

    run: str
    step: str
    tier: str
    """"" for a template that Tiphys did not render."""
    running: bool
    host: str
    since: datetime | None
    node: str
    """The full name of its node, after which its gang is called."""
    pods: int | None = None
    """How many pods of its gang run; None: it has none, or nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How far a tier is taken."""

    tier: str
    unit: str
    """A device's name, else `cpu`."""
    capacity: Decimal | None
    """How much there is in all; None: nobody said and nobody could look."""
    counted: bool
    """Whether nodes were counted; else it is what the profile says."""
    used: Decimal
    waiting: int
    """Steps."""


def uses(workflows: Iterable[Object]) -> list[Use]:
    """Return the steps of *workflows* that have a pod or are to get one."""
    return [use for workflow in workflows for use in _uses(workflow)]


def _uses(workflow: Object) -> Iterator[Use]:
    templates = templates_of(workflow)
    name = workflow["metadata"]["name"]
    for node in ((workflow.get("status") or {}).get("nodes") or {}).values():
        if node["type"] != "Pod" or node.get("phase") not in {"Pending", "Running"}:
            continue
        metadata = templates.get(template_name(node), {}).get("metadata") or {}
        yield Use(
            run=name,
            step=node["displayName"],
            tier=(metadata.get("annotations") or {}).get(TIER, ""),
            running=node["phase"] == "Running",
            host=node.get("hostNodeName", ""),
            since=moment(node.get("startedAt")),
            node=node["name"],
        )


def launches(use: Use, tiers: Mapping[str, Tier]) -> bool:
    """Whether the step's own pod is a launcher: the tier goes to the pods of its gang."""
    return use.tier in tiers and tiers[use.tier].nodes > 1


def of_gangs(used: Iterable[Use], tiers: Mapping[str, Tier], pods: Sequence[Object]) -> list[Use]:
    """Return *used* with each launcher judged by the pods of its gang.

    It runs when all of them do, and waits before and between its gang's starts, also while its
    launcher brings the result of a gang that is gone. What runs of an incomplete gang has its
    devices all the same.
    """
    return [
        _of_gang(use, tiers[use.tier].nodes, pods) if launches(use, tiers) else use for use in used
    ]


def _of_gang(use: Use, nodes: int, pods: Sequence[Object]) -> Use:
    own = list(gangs.of(use.node, pods))
    up = [pod for pod in own if pod["status"].get("phase") == "Running"]
    done = sum(pod["status"].get("phase") == "Succeeded" for pod in own)
    hosts = {str(pod["spec"].get("nodeName", "")) for pod in up}
    return replace(
        use, running=len(up) + done >= nodes, pods=len(up), host=", ".join(sorted(hosts))
    )


def levels(
    tiers: Iterable[Tier], used: Sequence[Use], nodes: Sequence[Object] | None
) -> list[Level]:
    """Return how far each of *tiers* is taken by the steps *used*."""
    return [_level(tier, [use for use in used if use.tier == tier.name], nodes) for tier in tiers]


def _level(tier: Tier, used: Sequence[Use], nodes: Sequence[Object] | None) -> Level:
    unit = next((name for name in tier.limits if name not in ORDINARY), "cpu")
    each = amount({**tier.limits, **tier.requests}.get(unit, "0"))
    known = None if tier.capacity is None else Decimal(tier.capacity)
    return Level(
        tier=tier.name,
        unit=unit,
        capacity=known if nodes is None else _there_is(tier, unit, nodes),
        counted=nodes is not None,
        used=each * sum(_pods(use, tier) for use in used),
        waiting=sum(not use.running for use in used),
    )


def _pods(use: Use, tier: Tier) -> int:
    """Return how many pods of *tier* the step has: a launcher's word counts for its gang's."""
    if use.pods is not None:
        return use.pods
    return tier.nodes if use.running else 0


def _there_is(tier: Tier, unit: str, nodes: Sequence[Object]) -> Decimal:
    """Return how much of *unit* the nodes have that take pods of *tier*."""
    known = [node["status"].get("allocatable") or {} for node in taking(tier, nodes)]
    return sum((amount(one.get(unit, 0)) for one in known), Decimal(0))


def taking(tier: Tier, nodes: Sequence[Object]) -> list[Object]:
    """Return the nodes that a pod of *tier* may run on."""
    allowed = tolerations(tier)
    return [
        node
        for node in nodes
        if scheduling.has(node, tier.node_selector) and not scheduling.untolerated(node, allowed)
    ]


def tolerations(tier: Tier) -> Sequence[Object]:
    """Return what every attempt tolerates, also of the nodes where only the last one goes."""
    return (*tier.tolerations, *(tier.on_demand.tolerations if tier.on_demand else ()))


def at_last(tier: Tier) -> Tier:
    """Return *tier* as the last attempt of a preempted step has it."""
    if tier.on_demand is None:
        return tier
    return replace(tier, node_selector={**tier.node_selector, **tier.on_demand.node_selector})
