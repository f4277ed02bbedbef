"""The `Cluster` of a launcher: the Kubernetes API, by the pod's own ServiceAccount."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self, cast

from kubernetes import client
from urllib3.exceptions import HTTPError

from tiphys.errors import UserError
from tiphys.ml import incluster
from tiphys.ml.training.jobset import GROUP, NAME_LABEL, NODE, PLURAL, VARIABLE, VERSION, Object
from tiphys.step import Temporary

TIMEOUT = (5.0, 30.0)
"""Seconds to connect and to answer: without them one lost connection is waited on for ever."""
GONE, CONFLICT, BUSY, SERVER_ERROR = 404, 409, 429, 500
ADVICE = {
    403: "May the step's ServiceAccount do it? `tiphys render` writes its Role to install.yaml.",
    404: "Is JobSet installed? Without it: `gang: pod` in profile.yaml, and a tier of one node.",
}


class GangRefusedError(UserError):
    """The API server does not take the gang, and will not take it later."""


class PodCluster:
    """One namespace of a cluster."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._objects, self._core = client.CustomObjectsApi(api), client.CoreV1Api(api)
        self._namespace = namespace

    @classmethod
    def here(cls) -> Self:
        """Return the namespace that this pod is in. Raises: NoPodError: this is no pod."""
        return cls(*incluster.connect(VARIABLE, "Say `local` here."))

    def create(self, manifest: Object) -> None:
        """Create a JobSet."""
        with _asking(f"JobSet {manifest['metadata']['name']}"):
            self._objects.create_namespaced_custom_object(
                GROUP, VERSION, self._namespace, PLURAL, manifest, _request_timeout=TIMEOUT
            )

    def jobset(self, name: str) -> Object | None:
        """Return it as it is, None when it is gone."""
        with _asking(f"JobSet {name}"):
            try:
                found = self._objects.get_namespaced_custom_object(
                    GROUP, VERSION, self._namespace, PLURAL, name, _request_timeout=TIMEOUT
                )
            except client.ApiException as error:
                if error.status == GONE:
                    return None
                raise
        return cast("Object", found)

    def delete(self, found: Object) -> None:
        """Have this JobSet deleted with its pods; one that has its name by now stays."""
        name = found["metadata"]["name"]
        only_this = client.V1DeleteOptions(
            propagation_policy="Foreground",
            preconditions=client.V1Preconditions(uid=found["metadata"]["uid"]),
        )
        with _asking(f"JobSet {name}"):
            try:
                self._objects.delete_namespaced_custom_object(
                    GROUP,
                    VERSION,
                    self._namespace,
                    PLURAL,
                    name,
                    body=only_this,
                    _request_timeout=TIMEOUT,
                )
            except client.ApiException as error:
                if error.status not in (GONE, CONFLICT):
                    raise

    def pods(self, name: str) -> list[Object]:
        """Return the pods of the JobSet *name*."""
        with _asking(f"the pods of {name}"):
            answer: Any = self._core.list_namespaced_pod(
                self._namespace,
                label_selector=f"{NAME_LABEL}={name}",
                _preload_content=False,
                _request_timeout=TIMEOUT,
            )
            found: list[Object] = json.loads(answer.data)["items"]
        return found

    def log(self, pod: str) -> Iterator[str]:
        """Yield all its lines as they come, each after its time, until it ends or breaks off."""
        with suppress(client.ApiException, HTTPError):  # no log yet, no pod any more, or cut off
            answer: Any = self._core.read_namespaced_pod_log(
                pod,
                self._namespace,
                container=NODE,
                follow=True,
                timestamps=True,
                _preload_content=False,
            )
            yield from _lines(answer.stream())


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    r"""Yield the whole lines of what comes in pieces; what was cut off is read again another time.

    >>> list(_lines([b"one\ntw", b"o\nthr"]))
    ['one', 'two']
    """
    begun = b""
    for piece in pieces:
        *whole, begun = (begun + piece).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn what the client raises into what a person can act upon."""
    try:
        yield
    except client.ApiException as error:
        later = not error.status or error.status in (CONFLICT, BUSY)
        if later or error.status >= SERVER_ERROR:
            problem = f"{what}: the API server says {error.status} {error.reason}."
            raise Temporary(problem) from error
        raise GangRefusedError(
            what,
            f"the API server says {error.status} {error.reason}: {error.body}",
            ADVICE.get(error.status, ""),
        ) from error
    except HTTPError as error:
        problem = f"{what}: the API server does not answer: {error}"
        raise Temporary(problem) from error
