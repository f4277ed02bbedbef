"""A connection to one Argo Server: requests, streams, and what is said when they fail.

Only a token is needed, no kubeconfig. The typed replies and typed log streams of the generated
client raise on what Argo v4 really sends, so replies are read raw: one JSON object, or one a line.
"""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

import argo_workflows
import urllib3
from argo_workflows.api.info_service_api import InfoServiceApi
from argo_workflows.api_client import Endpoint
from argo_workflows.exceptions import ApiException

from tiphys.errors import UserError
from tiphys.manifest.profile import Profile

Object = dict[str, Any]
AUTHORITY = "SSL_CERT_FILE"
"""The variable with the file of certificates to trust, as OpenSSL and Go read it too."""
_WORD = re.compile(r"[!-~]+")
SHORT = 120
"""A longer answer that is no JSON is somebody's page, not a reason."""
CONNECT_TIMEOUT_SECONDS = 5
REPLY_TIMEOUT_SECONDS = 60


class ServerUnreachableError(UserError):
    """Nobody answers where the Argo Server should be."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(
            server,
            f"no Argo Server answers here ({reason}).",
            "Is it running, and is `argo.server` in the profile its address?",
        )


class UntrustedServerError(UserError):
    """Somebody answers, but what protects the connection is not in order."""

    def __init__(self, server: str, problem: ssl.SSLError) -> None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            found = f"its certificate is not trusted ({problem.verify_message})."
            advice = f"Put the file of the authority that signed it into {AUTHORITY}."
        else:
            found = "it does not speak TLS."
            advice = "Write http:// in `argo.server` of the profile if it has none."
        super().__init__(server, found, advice)


class ServerRefusedError(UserError):
    """The Argo Server answered, and said no."""

    def __init__(self, server: str, status: int, message: str) -> None:
        self.status = status
        super().__init__(server, f"Argo Server says {status}: {message}.", _ADVICE.get(status, ""))


class NotArgoError(UserError):
    """Somebody answers, but not as an Argo Server would."""

    def __init__(self, server: str, said: bytes) -> None:
        start = said[:40].decode(errors="replace").strip()
        super().__init__(
            server,
            f"what answers here is no Argo Server: it says {start!r}.",
            "Is `argo.server` in the profile its address?",
        )


class NoServerError(UserError):
    """The profile names no Argo Server, or its token is nowhere."""

    def __init__(self, profile: Profile, found: str, advice: str) -> None:
        super().__init__(str(profile.folder / "profile.yaml"), found, advice)


_ADVICE = {
    400: "What was sent is not what it takes: correct the manifest, or the address in the profile.",
    401: "The token is missing, wrong or expired: set the variable that `argo.token` names.",
    403: "The token's ServiceAccount may not do this: ask who runs the cluster for the right.",
    404: "`tiphys list --on PROFILE` shows what there is.",
    409: "Choose another name, or delete that one first.",
    422: "Kubernetes finds it invalid: correct the manifest.",
    429: "It has too much to do: try again in a minute.",
    502: "Nothing behind that address answers: is the Argo Server up?",
    503: "It is starting, or has too much to do: try again in a minute.",
    504: "It did not answer in time: try again in a minute.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where to ask, as whom, and in which namespace."""

    server: str
    namespace: str
    client: argo_workflows.ApiClient

    @property
    def bearer(self) -> str:
        """`Bearer` and the token, as requests have it in their header."""
        return str(self.client.default_headers["Authorization"])


def connect_to(profile: Profile, environment: Mapping[str, str]) -> Connection:
    """Return a connection to the Argo Server of *profile*.

    Raises: NoServerError.
    """
    if profile.argo is None:
        raise NoServerError(profile, "there is no `argo.server`.", "Add its address to use --on.")
    return connect(
        server=profile.argo.server,
        namespace=profile.namespace,
        token=_token(profile, profile.argo.token_variable, environment),
        authority=environment.get(AUTHORITY),
    )


def _token(profile: Profile, variable: str, environment: Mapping[str, str]) -> str:
    """Return the token that *variable* holds, without `Bearer` and the white space around it.

    What can be none is refused here and not shown: who makes a header of it would show it.

    Raises: NoServerError.
    """
    given = environment.get(variable, "").strip()
    if not given:
        found = f"the environment variable {variable}, which holds the token, is not set."
        raise NoServerError(profile, found, f"Type: export {variable}=…")
    bare = given.removeprefix("Bearer ").strip()
    if not _WORD.fullmatch(bare):
        found = f"the environment variable {variable} holds no token: that is one word of ASCII."
        raise NoServerError(profile, found, "Set it to the token itself, and nothing else.")
    return bare


def connect(*, server: str, namespace: str, token: str, authority: str | None = None) -> Connection:
    """Return a connection; nothing is sent yet. *token* may carry the word `Bearer`.

    *authority* is the file with the certificates to trust, instead of those the world trusts.
    """
    bearer = token if token.startswith("Bearer ") else f"Bearer {token}"
    configuration = argo_workflows.Configuration(host=server)
    configuration.discard_unknown_keys = True
    configuration.ssl_ca_cert = authority
    client = argo_workflows.ApiClient(configuration, "Authorization", bearer)
    return Connection(server=server, namespace=namespace, client=client)


def ask(
    connection: Connection, endpoint: Endpoint, *path: str, body: Object | None = None, **query: Any
) -> Object:
    """Call one endpoint of the generated client and return the JSON object it was answered.

    *path* fills the blanks of its path in order; *query* has the client's names.

    Raises: ServerUnreachableError, ServerRefusedError, NotArgoError.
    """
    reply = _send(connection, _Call(endpoint, path, query, body), REPLY_TIMEOUT_SECONDS)
    return _object(connection, reply.data or b"{}")


def find(connection: Connection, endpoint: Endpoint, *path: str) -> Object | None:
    """Return what `ask` does; None where there is no such object."""
    try:
        return ask(connection, endpoint, *path)
    except ServerRefusedError as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def date(connection: Connection) -> str | None:
    """Return the time of the server as its answers give it; None where they do not.

    Raises: ServerUnreachableError.
    """
    endpoint = InfoServiceApi(connection.client).get_version_endpoint
    reply = _send(connection, _Call(endpoint, (), {}, None), REPLY_TIMEOUT_SECONDS)
    return reply.headers.get("Date")


def stream(
    connection: Connection,
    endpoint: Endpoint,
    *path: str,
    quiet_seconds: float | None = None,
    **query: Any,
) -> Iterator[Object]:
    """Yield the `result` of each line of a streaming reply, until the server ends it.

    With *quiet_seconds* until nothing has come for so long.
    """
    reply = _send(connection, _Call(endpoint, path, query, None), quiet_seconds)
    pending = b""
    try:
        for chunk in reply.stream(None, decode_content=True):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in filter(None, lines):
                if result := _object(connection, line).get("result"):
                    yield result
    except urllib3.exceptions.HTTPError:
        return  # cut off: the caller looks at the state of things and asks again
    finally:
        reply.close()


class _Call(NamedTuple):
    endpoint: Endpoint
    path: tuple[str, ...]
    query: Mapping[str, Any]
    body: Object | None


def _send(connection: Connection, call: _Call, seconds: float | None) -> urllib3.HTTPResponse:
    """Send *call* as it is: the client's own checks reject what Argo v4 takes."""
    settings, names = call.endpoint.settings, call.endpoint.attribute_map
    blanks = re.findall(r"{(.*?)}", settings["endpoint_path"])
    try:
        reply: urllib3.HTTPResponse = connection.client.call_api(
            settings["endpoint_path"],
            settings["http_method"],
            path_params=dict(zip(blanks, call.path, strict=True)),
            query_params=[(names[name], value) for name, value in call.query.items()],
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=call.body,
            _preload_content=False,
            _request_timeout=(CONNECT_TIMEOUT_SECONDS, seconds),
        )
    except ApiException as problem:
        raise ServerRefusedError(connection.server, problem.status, _said(problem)) from None
    except urllib3.exceptions.HTTPError as problem:
        raise unreachable(connection.server, problem) from None
    return reply


def unreachable(server: str, problem: urllib3.exceptions.HTTPError) -> UserError:
    """Return what a connection that was not made means to a person."""
    reason = getattr(problem, "reason", None) or problem
    cause = reason.args[0] if isinstance(reason, urllib3.exceptions.SSLError) else reason
    if isinstance(cause, ssl.SSLError):
        return UntrustedServerError(server, cause)
    return ServerUnreachableError(server, type(reason).__name__)


def _object(connection: Connection, data: bytes) -> Object:
    try:
        return dict(json.loads(data))
    except (ValueError, TypeError):
        raise NotArgoError(connection.server, data) from None


def _said(problem: ApiException) -> str:
    """Return the server's reason, without the guess at another namespace that it may add."""
    try:
        return str(json.loads(problem.body)["message"]).partition(". Maybe you want")[0].rstrip(".")
    except (TypeError, ValueError, KeyError):
        plain = problem.body if isinstance(problem.body, bytes) else b""
        text = plain.decode(errors="replace").strip()
        return text if text and len(text) < SHORT else str(problem.reason or "no reason given")
