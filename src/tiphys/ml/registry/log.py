"""An append-only log in an object store: numbered records, each created if absent, never changed.

A writer reads the newest record, decides, and creates the next number. Where another was first
the store says "already exists", and the writer decides again on what it now finds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import ObjectStore

DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a log."""

    number: int
    """Counted from 1."""
    at: datetime
    """When it was written, by the store's clock: writers' clocks may differ."""
    body: Mapping[str, Any]


def append(
    store: ObjectStore, prefix: str, decide: Callable[[Record | None], Mapping[str, Any] | Record]
) -> Record:
    """Write what *decide* makes of the newest record; a record it returns is left as it is.

    *decide* is asked again each time another writer was first, so it must not remember.
    Returns the newest record.
    """
    while True:
        newest = last(store, prefix)
        body = decide(newest)
        if isinstance(body, Record):
            return body
        number = newest.number + 1 if newest else 1
        path = f"{prefix}/{number:0{DIGITS}}.json"
        try:
            store.put(path, _encode(body), mode="create")
        except (AlreadyExistsError, PreconditionError):
            continue
        return _read(store, path)


def last(store: ObjectStore, prefix: str) -> Record | None:
    """Return the newest record, or None where there is none."""
    paths = _paths(store, prefix)
    return _read(store, paths[-1]) if paths else None


def records(store: ObjectStore, prefix: str) -> tuple[Record, ...]:
    """Return the whole log, oldest first."""
    return tuple(_read(store, path) for path in _paths(store, prefix))


def _paths(store: ObjectStore, prefix: str) -> list[str]:
    found = (meta["path"] for chunk in store.list(prefix) for meta in chunk)
    return sorted(path for path in found if path.endswith(".json"))


def _read(store: ObjectStore, path: str) -> Record:
    found = store.get(path)
    return Record(
        number=int(path.rsplit("/", 1)[1].removesuffix(".json")),
        at=found.meta["last_modified"],
        body=json.loads(bytes(found.bytes())),
    )


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, indent=1, ensure_ascii=False).encode()
