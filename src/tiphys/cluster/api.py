"""The Kubernetes API itself, for what Argo Server cannot say: pods, events, nodes, rights.

It is optional. The address comes from a kubeconfig: of the context that the profile names, or of
the current one where KUBECONFIG is set. Without either nothing is asked.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException
from yaml import YAMLError

from tiphys.errors import UserError
from tiphys.manifest.profile import Profile

Object = dict[str, Any]
PATIENCE = urllib3.Timeout(connect=5, read=30)
NOTHING: Mapping[str, str] = MappingProxyType({})


class ContextError(UserError):
    """The kubeconfig does not hold what the profile, or KUBECONFIG, points at."""

    def __init__(self, where: str, problem: str) -> None:
        advice = "Correct KUBECONFIG, or `kubernetes.context` in the profile."
        super().__init__(where, f"no Kubernetes API can be found by it ({problem}).", advice)


class ApiError(UserError):
    """The Kubernetes API did not answer, or said no."""

    def __init__(self, server: str, status: int, found: str, advice: str = "") -> None:
        self.status = status
        super().__init__(server, found, advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Where to ask, and as whom the kubeconfig says."""

    client: client.ApiClient
    namespace: str
    known_as: str
    """How a person finds it: `context ml of KUBECONFIG`."""

    @property
    def server(self) -> str:
        return str(self.client.configuration.host)


def reach(profile: Profile, environment: Mapping[str, str]) -> Api | None:
    """Return the Kubernetes API of *profile*; None where nothing names one.

    Raises: ContextError.
    """
    file, wanted = environment.get("KUBECONFIG"), profile.kubernetes
    if not file and not wanted:
        return None
    where = file or os.path.expanduser("~/.kube/config")  # noqa: PTH111 - what the client reads
    try:
        settings = client.Configuration()
        _load(where, wanted or None, settings)
    except (ConfigException, OSError, YAMLError) as problem:
        raise ContextError(where, str(problem).rstrip(".")) from None
    settings.retries = 1
    known_as = f"context {wanted}" if wanted else f"KUBECONFIG={file}"
    return Api(client=client.ApiClient(settings), namespace=profile.namespace, known_as=known_as)


def _load(file: str, context: str | None, settings: client.Configuration) -> None:
    load: Any = config.load_kube_config  # it has no types
    load(file, context=context, client_configuration=settings)


def as_token(api: Api, token: str) -> Api:
    """Return the same API asked as the owner of *token*, not of the kubeconfig."""
    settings = client.Configuration(host=api.server)
    settings.ssl_ca_cert = api.client.configuration.ssl_ca_cert
    settings.verify_ssl = api.client.configuration.verify_ssl
    settings.retries = 1
    made = client.ApiClient(settings)
    made.default_headers["Authorization"] = f"Bearer {token.removeprefix('Bearer ')}"
    return Api(client=made, namespace=api.namespace, known_as="the token")


def ask(
    api: Api, path: str, query: Mapping[str, str] = NOTHING, body: Object | None = None
) -> Object:
    """Return the object at *path*, or what is answered to a new *body* there.

    Raises: ApiError.
    """
    return _sent(api, "POST" if body else "GET", path, query, body)


def find(api: Api, path: str, query: Mapping[str, str] = NOTHING) -> Object | None:
    """Return the object at *path*; None if there is none.

    Raises: ApiError.
    """
    try:
        return ask(api, path, query)
    except ApiError as problem:
        if problem.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def delete(api: Api, path: str, uid: str) -> None:
    """Delete the object at *path* with what it owns; one that has its name by now stays.

    Raises: ApiError.
    """
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    try:
        _sent(api, "DELETE", path, NOTHING, {**options, "preconditions": {"uid": uid}})
    except ApiError as problem:
        if problem.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
            raise


def _sent(
    api: Api, method: str, path: str, query: Mapping[str, str], body: Object | None
) -> Object:
    """Send one request as it is: the client's own models reject fields younger than they are."""
    url = f"{api.server}{path}?{urlencode(query)}".rstrip("?")
    headers = {"Accept": "application/json", "Content-Type": "application/json", **_identity(api)}
    try:
        reply = api.client.rest_client.pool_manager.request(
            method, url, body=json.dumps(body) if body else None, headers=headers, timeout=PATIENCE
        )
    except urllib3.exceptions.HTTPError as problem:
        reason = getattr(problem, "reason", None) or problem
        found = f"no Kubernetes API answers here ({type(reason).__name__})."
        advice = f"Is the cluster up, and is its address in {api.known_as} right?"
        raise ApiError(api.server, 0, found, advice) from None
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise _refused(api, reply)
    answer: Object = json.loads(reply.data or b"{}")
    return answer


def _identity(api: Api) -> dict[str, str]:
    """Return the header of a kubeconfig with a token; one with a certificate needs none."""
    own = dict(api.client.default_headers)
    bearer = api.client.configuration.auth_settings().get("BearerToken")
    return {**own, "Authorization": bearer["value"]} if bearer else own


def listed(api: Api, path: str, query: Mapping[str, str] = NOTHING) -> list[Object]:
    """Return the items of the list at *path*.

    Raises: ApiError.
    """
    return list(ask(api, path, query).get("items") or ())


def _refused(api: Api, reply: urllib3.BaseHTTPResponse) -> ApiError:
    try:
        said = str(json.loads(reply.data)["message"]).rstrip(".")
    except (TypeError, ValueError, KeyError):
        said = f"status {reply.status}"
    advice = _ADVICE.get(reply.status, "")
    return ApiError(api.server, reply.status, f"the Kubernetes API says: {said}.", advice)


_ADVICE = {
    401: "The credentials are missing, wrong or expired: renew the kubeconfig or the token.",
    403: "Ask who runs the cluster for this right.",
}
