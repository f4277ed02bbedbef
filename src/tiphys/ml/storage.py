"""Places for objects, named by URL: a directory, `file:///…`, `s3://bucket/prefix`.

On a laptop the local runner redirects the roots that a manifest names: `TIPHYS_STORAGE` is a JSON
object from a URL's beginning to what stands there instead, the longest beginning first. What is no
URL is a directory, relative to `TIPHYS_PROJECT`, because a step runs in a copy of the code.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

from tiphys.errors import UserError
from tiphys.step import Temporary

CONNECT = timedelta(seconds=5)
"""How long to wait for a connection."""
PATIENCE = timedelta(seconds=30)
"""How long a request is tried again; after that the step says that the failure is temporary."""


class StorageError(UserError):
    """A storage URL or the redirection of storage is wrong."""


def open_store(url: str, environ: Mapping[str, str] = os.environ) -> ObjectStore:
    """Return the store at *url*, redirected; a directory is made when it does not exist.

    Raises: StorageError: the URL's scheme is unknown.
    """
    place = locate(url, environ)
    if directory := local_directory(place, environ):
        return LocalStore(directory, automatic_cleanup=False, mkdir=True)
    keys = _own_keys(place, environ)
    endpoint = keys.get("endpoint") or environ.get("AWS_ENDPOINT_URL", "")
    try:
        return from_url(
            place,
            **keys,
            client_options={
                "connect_timeout": CONNECT,
                "timeout": PATIENCE,
                "allow_http": endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 5, "retry_timeout": PATIENCE},
        )
    except (BaseError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        found = f"this is no place for objects: {reason}."
        raise StorageError(place, found, "Give a directory, file:///… or s3://…") from error


@contextmanager
def reach(place: str) -> Iterator[None]:
    """Turn what a store raises into what a person can act upon; a missing object stays as it is.

    Raises:
        Temporary: *place* does not answer.
        StorageError: it refuses the request or us.
    """
    try:
        yield
    except (PermissionError, PermissionDeniedError, UnauthenticatedError) as error:
        found, advice = (
            "access is refused.",
            "Are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY right?",
        )
        raise StorageError(place, found, advice) from error
    except BaseError as error:
        if refusal := _refusal(str(error)):
            raise StorageError(place, f"the server refuses: {refusal}") from error
        reason = str(error).partition("\n")[0]
        problem = f"{place} does not answer: {reason}"
        raise Temporary(problem) from error


def locate(url: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return where *url* really lies: redirected, and absolute when it is a directory.

    >>> locate("s3://ml/dvc/files", {"TIPHYS_STORAGE": '{"s3://ml": "/d", "s3://ml/dvc": "/c"}'})
    '/c/files'
    >>> locate("store", {"TIPHYS_PROJECT": "/project"})
    '/project/store'
    """
    for prefix, replacement in _redirections(environ):
        rest = url.removeprefix(prefix)
        if url.startswith(prefix) and (not rest or rest.startswith("/")):
            url = replacement.rstrip("/") + rest
            break
    if "://" in url:
        return url
    return str(Path(environ.get("TIPHYS_PROJECT", ".")).absolute() / url)


def local_directory(url: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the directory that *url* means once redirected, or None where it is remote."""
    place = locate(url, environ)
    if place.startswith("file://"):
        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else Path(place)


def _own_keys(place: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what opens *place*, where that is not the `AWS_*` of the environment.

    A step that reads two storages with different keys has the second ones under a suffix;
    TIPHYS_KEYS is a JSON object from a URL's beginning to it.
    """
    for root, suffix in json.loads(environ.get("TIPHYS_KEYS", "{}")).items():
        if place == root or place.startswith(f"{root}/"):
            variables = {
                "access_key_id": f"AWS_ACCESS_KEY_ID_{suffix}",
                "secret_access_key": f"AWS_SECRET_ACCESS_KEY_{suffix}",
                "endpoint": f"AWS_ENDPOINT_URL_{suffix}",
                "region": f"AWS_REGION_{suffix}",
            }
            return {name: environ[key] for name, key in variables.items() if key in environ}
    return {}


def _refusal(error: str) -> str:
    """Return what the server says of a request that is wrong and stays so, else nothing.

    The store has one class for that and for a server that is down, so we look at the status.
    """
    status = re.search(r"status code: (4\d\d [^:]*)", error)
    if status is None or status[1].startswith(("408", "429")):
        return ""
    message = re.search(r"<Message>(.*?)</Message>", error)
    return message[1] if message else status[1]


def _redirections(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    text = environ.get("TIPHYS_STORAGE", "{}")
    try:
        raw = {str(key).rstrip("/"): str(value) for key, value in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        found, advice = f"{text!r} is no redirection.", "It must be a JSON object from URL to URL."
        raise StorageError("TIPHYS_STORAGE", found, advice) from error
    return sorted(raw.items(), key=lambda pair: len(pair[0]), reverse=True)
