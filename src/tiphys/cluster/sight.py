"""What can be seen of a run's pods and of the nodes, and what cannot, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from tiphys.cluster import api as kubernetes
from tiphys.cluster import gangs, verbs
from tiphys.cluster.api import NOTHING, Api, ApiError, Object
from tiphys.cluster.connection import Connection, ServerRefusedError

WORKFLOW = "workflows.argoproj.io/workflow"
UNNAMED = "KUBECONFIG is not set and the profile has no `kubernetes: {context: …}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Objects by kind. None: nobody could look; `unseen` says why, a sentence each."""

    pods: Sequence[Object] | None = None
    events: Sequence[Object] | None = None
    nodes: Sequence[Object] | None = None
    unseen: tuple[str, ...] = ()


def of_run(api: Api, run: str) -> Sight:
    """Return what there is to see of one run: its pods, those of its gangs, the nodes."""
    look = _Look(api)
    below = f"/api/v1/namespaces/{api.namespace}"
    pods = look.at("pods", f"{below}/pods", {"labelSelector": f"{WORKFLOW}={run}"})
    if pods is not None:
        of_gangs = {"labelSelector": gangs.selector(run)}
        pods += look.at("pods", f"{below}/pods", of_gangs) or []
    warnings = {"fieldSelector": "involvedObject.kind=Pod,type=Warning"}
    events = look.at("events", f"{below}/events", warnings)
    nodes = look.at("nodes", "/api/v1/nodes")
    return Sight(pods=pods, events=events, nodes=nodes, unseen=tuple(look.unseen))


def through_argo(connection: Connection, run: Object) -> Sight:
    """Return what Argo Server alone shows: events, and those only where they may matter."""
    unseen = (f"pods and nodes: {UNNAMED}.",)
    nodes = (run.get("status") or {}).get("nodes") or {}
    if not any(one.get("phase") == "Pending" for one in nodes.values()):
        return Sight(unseen=unseen)
    try:
        return Sight(events=verbs.warnings(connection), unseen=unseen)
    except ServerRefusedError as refused:
        return Sight(unseen=(*unseen, f"events: {refused.found}"))


def of_nodes(api: Api | None) -> Sight:
    """Return the nodes alone."""
    if api is None:
        return Sight(unseen=(f"nodes: {UNNAMED}.",))
    look = _Look(api)
    nodes = look.at("nodes", "/api/v1/nodes")
    return Sight(nodes=nodes, unseen=tuple(look.unseen))


def of_gangs(api: Api | None) -> Sight:
    """Return the pods of every gang of the namespace, and no others."""
    what = "pods of gangs"
    if api is None:
        return Sight(unseen=(f"{what}: {UNNAMED}.",))
    look = _Look(api)
    path = f"/api/v1/namespaces/{api.namespace}/pods"
    pods = look.at("pods", path, {"labelSelector": gangs.LABEL}, called=what)
    return Sight(pods=pods, unseen=tuple(look.unseen))


class _Look:
    """Lists what may be listed, and remembers what may not."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.unseen: list[str] = []

    def at(
        self, what: str, path: str, query: Mapping[str, str] = NOTHING, called: str = ""
    ) -> list[Object] | None:
        """Return what is listed at *path*; None where it may not be.

        *called* is what a person calls these objects of the resource *what*.
        """
        try:
            return kubernetes.listed(self._api, path, query)
        except ApiError as problem:
            found = problem.found
            if problem.status == HTTPStatus.FORBIDDEN:
                found = f"{self._api.known_as} may not list them; ask for get, list on {what}."
            self.unseen.append(f"{called or what}: {found}")
            return None
