"""Why no node takes a pod: from the nodes where they are known, else from the scheduler's words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tiphys.report.quantities import amount, spelled
from tiphys.report.waiting.evidence import Object, Reason

PREFIX = "Unschedulable: "
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_SHORT = re.compile(r"(\d+) Insufficient ([\w./-]+)")
_AVAILABLE = re.compile(r"\d+/\d+ nodes are available: (.*?)(?:\. |\.?$)", re.DOTALL)

AWAY = {
    "node.kubernetes.io/unreachable": "is lost",
    "node.kubernetes.io/not-ready": "is not ready",
    "node.kubernetes.io/unschedulable": "is cordoned",
    "node.kubernetes.io/memory-pressure": "is short of memory",
    "node.kubernetes.io/disk-pressure": "is short of disk",
}
"""Taints that Kubernetes itself sets; nobody writes a toleration for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a pod asks of its node."""

    selector: Mapping[str, str]
    tolerations: Sequence[Object]
    requests: Mapping[str, str]

    @property
    def labels(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.selector.items())


def wish(spec: Object) -> Wish:
    """Return what a pod's spec asks for, or a template's, which has the same fields."""
    containers = spec.get("containers") or [
        part for kind in ("container", "script") if (part := spec.get(kind))
    ]
    requests: dict[str, str] = {}
    for container in containers:
        if container.get("name", "main") != "wait":
            resources = container.get("resources") or {}
            requests |= {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return Wish(
        selector=spec.get("nodeSelector") or {},
        tolerations=spec.get("tolerations") or (),
        requests=requests,
    )


def explain(step: str, message: str, wanted: Wish, nodes: Sequence[Object] | None) -> Reason:
    """Return why nothing takes the pod of *step*; *message* is the scheduler's."""
    if claim := _CLAIM.search(message):
        found = f'the volume claim "{claim[1]}", which does not exist'
        advice = "Make the PersistentVolumeClaim, or correct its name in the profile."
        return Reason(step=step, kind="volume", found=found, advice=advice)
    if nodes:
        return _by_nodes(step, message, wanted, nodes)
    return _by_words(step, message, wanted)


def _by_nodes(step: str, message: str, wanted: Wish, nodes: Sequence[Object]) -> Reason:
    fitting = [node for node in nodes if has(node, wanted.selector)]
    if not fitting:
        return Reason(
            step=step,
            kind="selector",
            found=f"a node with {wanted.labels}: no node has it{_instead(wanted, nodes)}",
            advice="Correct the tier's `nodeSelector` in the profile, or label a node: "
            f"kubectl label node NAME {wanted.labels.replace(', ', ' ')}",
        )
    open_ = [node for node in fitting if not untolerated(node, wanted.tolerations)]
    if not open_:
        return _tainted(step, wanted, fitting)
    return _short(step, message, wanted, open_)


def has(node: Object, selector: Mapping[str, str]) -> bool:
    return selector.items() <= (node["metadata"].get("labels") or {}).items()


def _instead(wanted: Wish, nodes: Sequence[Object]) -> str:
    """Return which values of the wanted labels there are."""
    said = []
    for name in wanted.selector:
        values = {(node["metadata"].get("labels") or {}).get(name) for node in nodes} - {None}
        if values:
            said.append(f"{name} is {' or '.join(sorted(map(str, values)))}")
    return f" ({', '.join(said)})" if said else ""


def untolerated(node: Object, tolerations: Sequence[Object]) -> list[Object]:
    """Return the taints of *node* that keep a pod with *tolerations* away."""
    taints = node["spec"].get("taints") or ()
    return [
        taint
        for taint in taints
        if taint["effect"] != "PreferNoSchedule"
        and not any(_tolerates(one, taint) for one in tolerations)
    ]


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in {None, "", taint["effect"]}:
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in {None, "", taint["key"]}
    same = toleration.get("key") == taint["key"]
    return same and bool(toleration.get("value", "") == taint.get("value", ""))


def _tainted(step: str, wanted: Wish, fitting: Sequence[Object]) -> Reason:
    said, plain = [], []
    for node in fitting:
        for taint in untolerated(node, wanted.tolerations):
            name, value = node["metadata"]["name"], taint.get("value")
            if taint["key"] in AWAY:
                said.append(f"{name} {AWAY[taint['key']]}")
                continue
            words = f"{taint['key']}{f'={value}' if value else ''}:{taint['effect']}"
            said.append(f"{name} has the taint {words}")
            plain.append(taint["key"])
    where = f" with {wanted.labels}" if wanted.selector else ""
    advice = "Wait until it is back, or ask who runs the cluster."
    if plain:
        key = plain[0]
        advice = f"Add to the tier in the profile: tolerations: [{{key: {key}, operator: Exists}}]"
    found = f"a node{where} that takes it: {'; '.join(said)}"
    return Reason(step=step, kind="taint", found=found, advice=advice)


def _short(step: str, message: str, wanted: Wish, fitting: Sequence[Object]) -> Reason:
    """Explain by what the nodes that would do have in all, which no waiting makes more."""
    for name, asked in wanted.requests.items():
        largest = max(fitting, key=lambda node: _amount(node, name))
        if amount(asked) > _amount(largest, name):
            has = spelled(_amount(largest, name), name)
            return Reason(
                step=step,
                kind="capacity",
                found=f"{asked} of {name} on one node: the largest, "
                f"{largest['metadata']['name']}, has {has}",
                advice="Lower what the tier asks for in the profile, or add a larger node.",
            )
    return _by_words(step, message, wanted)


def _amount(node: Object, name: str) -> Decimal:
    return amount((node["status"].get("allocatable") or {}).get(name, "0"))


def _by_words(step: str, message: str, wanted: Wish) -> Reason:
    """Explain by the scheduler's own message, one clause a group of nodes."""
    clauses = list(_clauses(message))
    shorts = [found for clause in clauses if (found := _SHORT.fullmatch(clause))]
    if shorts:
        asked = [f"{wanted.requests.get(s[2], '')} of {s[2]}".strip() for s in shorts]
        return Reason(
            step=step,
            kind="capacity",
            found=f"{' and '.join(asked)}: {'; '.join(clauses)}",
            advice="It starts when another step ends, unless no node is that large: `tiphys top` "
            "shows what is in use.",
        )
    kind = "taint" if "taint" in message and not wanted.selector else "selector"
    where = f"a node with {wanted.labels}" if wanted.selector else "a node that takes it"
    said = "; ".join(clauses).replace("node(s)", "nodes")
    advice = "Compare the tier's `nodeSelector` and `tolerations` in the profile with the nodes."
    return Reason(step=step, kind=kind, found=f"{where}: {said}", advice=advice)


def _clauses(message: str) -> Iterator[str]:
    found = _AVAILABLE.search(message)
    for clause in (found[1] if found else message.removeprefix(PREFIX)).split(", "):
        yield clause.strip().rstrip(".")
