"""What can be seen of a run's pods and of the nodes, and what cannot, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tiphys.cluster import api as kubernetes
from tiphys.cluster.api import FORBIDDEN, Api, ApiError, Object

WORKFLOW = "workflows.argoproj.io/workflow"
UNNAMED = "KUBECONFIG is not set and the profile has no `kubernetes: {context: …}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Objects by kind. None: nobody could look; `unseen` says why, a sentence each."""

    pods: Sequence[Object] | None = None
    events: Sequence[Object] | None = None
    nodes: Sequence[Object] | None = None
    unseen: tuple[str, ...] = ()


def of_run(api: Api | None, run: str) -> Sight:
    """Return what there is to see of one run."""
    if api is None:
        return Sight(unseen=(f"pods, events and nodes: {UNNAMED}.",))
    return _look(api, {"labelSelector": f"{WORKFLOW}={run}"})


def of_namespace(api: Api | None) -> Sight:
    """Return what there is to see of all runs."""
    if api is None:
        return Sight(unseen=(f"pods and nodes: {UNNAMED}.",))
    return _look(api, {"labelSelector": WORKFLOW})


def _look(api: Api, pods: dict[str, str]) -> Sight:
    unseen: list[str] = []

    def try_(what: str, look: Callable[[], list[Object]]) -> list[Object] | None:
        try:
            return look()
        except ApiError as problem:
            denied = f"list {what} is not allowed to {api.known_as}; ask for get, list on {what}."
            unseen.append(f"{what}: {denied if problem.status == FORBIDDEN else problem.found}")
            return None

    below = f"/api/v1/namespaces/{api.namespace}"
    warnings = {"fieldSelector": "involvedObject.kind=Pod,type=Warning"}
    return Sight(
        pods=try_("pods", lambda: kubernetes.listed(api, f"{below}/pods", pods)),
        events=try_("events", lambda: kubernetes.listed(api, f"{below}/events", warnings)),
        nodes=try_("nodes", lambda: kubernetes.listed(api, "/api/v1/nodes")),
        unseen=tuple(unseen),
    )
