"""What an alias log holds, and what can be read out of the whole of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from tiphys.ml.registry import log


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a version or a move comes from. An empty field is unknown."""

    dvc_revision: str = ""
    """Of the data it was trained on, as git describes it."""
    data_hash: str = ""
    decision_hash: str = ""
    """sha256 of the `decision.json` that allowed the move."""
    workflow_uid: str = ""
    order: str = ""
    """When the code was new, RFC 3339 in UTC: times compare as their texts do."""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Return what *raw* says, ignoring fields of a later release."""
        return cls(**{name: str(raw.get(name, "")) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One move of an alias."""

    number: int
    at: datetime
    version: str
    """Content hash of the model the alias names from here on."""
    kind: Literal["move", "rollback"]
    provenance: Provenance

    @classmethod
    def read(cls, record: log.Record) -> Self:
        """Return the entry that *record* holds."""
        return cls(
            number=record.number,
            at=record.at,
            version=record.body["version"],
            kind=record.body["kind"],
            provenance=Provenance.read(record.body["provenance"]),
        )


def line_of(entries: Iterable[Entry]) -> list[str]:
    """Return the versions a rollback can walk back along, the current one last.

    A move adds one, a rollback takes one away, so two rollbacks go back by two instead of
    returning to what was just left.
    """
    versions: list[str] = []
    for entry in entries:
        if entry.kind == "rollback":
            versions.pop()
        elif not versions or versions[-1] != entry.version:
            versions.append(entry.version)
    return versions
