"""Asks a server, with the standard library alone."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from typing import Any

from tiphys.errors import UserError
from tiphys.ml.serving.golden import Golden

POLL = timedelta(milliseconds=50)
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A server of ours is never behind the proxy that the environment may name."""


class RejectedError(UserError):
    """The server refuses to serve a version."""


class NotServedError(Exception):
    """A version that did not serve in time; it may later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a server says about itself."""

    version: str = ""
    """What serves; "" where nothing does."""
    rejected: str = ""
    """The version that the registry names and the server refuses."""
    reason: str = ""


def health(url: str) -> Health | None:
    """Return how the server at *url* is, or None where none answers."""
    try:
        _, body = _ask(f"{url}/v2/health/ready")
    except (OSError, HTTPException, ValueError):
        return None
    rejected = body.get("rejected", {})
    return Health(
        version=body.get("version", ""),
        rejected=rejected.get("version", ""),
        reason=rejected.get("reason", ""),
    )


def wait_for(url: str, version: str, patience: timedelta) -> None:
    """Return once the server at *url* serves *version*.

    Raises:
        RejectedError: it refuses it, and says why.
        NotServedError: not within *patience*.
    """
    end = time.monotonic() + patience.total_seconds()
    found = None
    while time.monotonic() < end:
        found = health(url)
        if found and found.version == version:
            return
        if found and found.rejected == version:
            raise RejectedError(url, f"rejects {version[:12]}: {found.reason}")
        time.sleep(POLL.total_seconds())
    state = f"serves {found.version[:12] or 'nothing'}" if found else "does not answer"
    seconds = patience.total_seconds()
    text = f"{url} {state} after {seconds:g} s; {version[:12]} was expected."
    raise NotServedError(text)


def infer(url: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to *request* at the full *url*. Raises: RejectedError: it is no answer."""
    status, body = _ask(url, request)
    if status != 200:
        raise RejectedError(url, f"answers {status}: {body.get('error', body)}")
    return body


def check(url: str, model: str, version: str, golden: Golden) -> None:
    """Ask the golden request of that very version. Raises: GoldenError, RejectedError."""
    where = f"{url}/v2/models/{model}/versions/{version}/infer"
    golden.compare(where, infer(where, golden.request))


def _ask(url: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310 - http only
    try:
        with DIRECT.open(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
