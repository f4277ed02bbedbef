"""The registry's verbs: register, alias, get, history, rollback; and the lineage of runs."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from obstore.store import ObjectStore

from tiphys.errors import UserError
from tiphys.ml.registry import log, versions
from tiphys.ml.registry.entry import Entry, Provenance, line_of
from tiphys.ml.registry.versions import Version
from tiphys.ml.storage import open_store

ANYTHING = "*"
"""As `expected`: whatever the alias names now."""


class MovedError(UserError):
    """The alias names another version than the one the decision was made against."""

    def __init__(self, where: str, expected: str, found: str) -> None:
        self.expected, self.actual = expected, found
        super().__init__(
            where,
            f"it names {found[:12] or 'nothing'}, not {expected[:12] or 'nothing'}, against which "
            "this was decided: another run was first.",
            "Evaluate again.",
        )


class OutdatedError(UserError):
    """The alias names what newer code has made, and is not taken back to older code."""

    def __init__(self, where: str, order: str, newest: str) -> None:
        self.order, self.newest = order, newest
        super().__init__(
            where,
            f"it names what code of {newest} has made, and this is of {order}: outdated.",
            "To go back on purpose, revert the commit.",
        )


@dataclass(frozen=True, slots=True)
class Registry:
    """Models, their versions and aliases, in one object store."""

    store: ObjectStore

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the registry at *url*: a directory, `file://…`, `s3://bucket/prefix`."""
        return cls(open_store(url))

    def register(self, name: str, directory: Path, provenance: Provenance) -> Version:
        """Store the files of *directory* as a version; the same content is the same version."""
        return versions.publish(self.store, _name(name), directory, provenance)

    def alias(
        self,
        name: str,
        alias: str,
        version: str,
        provenance: Provenance,
        *,
        expected: str = ANYTHING,
    ) -> Entry:
        """Let *alias* name *version* from now on; where it does already, nothing is written.

        Where it does already for older code, it is written that newer code gave the same.

        Args:
            name: the model.
            alias: `champion`, `challenger` or any other word.
            version: a content hash.
            provenance: why.
            expected: the version it must name at this moment, "" for none.

        Raises: OutdatedError: what it names is of newer code than `provenance.order` says.
            MovedError: it names another than *expected*, maybe since a moment ago.
            UserError: there is no such version.
        """
        self.version(name, version)
        where = f"registry/{name}@{alias}"

        def decide(newest: log.Record | None) -> Mapping[str, Any] | log.Record:
            current = newest.body["version"] if newest else ""
            order = self._order(name, alias, newest) if newest else ""
            if newest and current == version and provenance.order <= order:
                return newest
            if provenance.order and provenance.order < order:
                raise OutdatedError(where, provenance.order, order)
            if expected not in (ANYTHING, current):
                raise MovedError(where, expected, current)
            return {"version": version, "kind": "move", "provenance": asdict(provenance)}

        return Entry.read(log.append(self.store, _aliases(name, alias), decide))

    def get(self, name: str, alias: str) -> Entry | None:
        """Return what *alias* names now, or None where it names nothing."""
        newest = log.last(self.store, _aliases(name, alias))
        return Entry.read(newest) if newest and newest.body["version"] else None

    def history(self, name: str, alias: str) -> tuple[Entry, ...]:
        """Return every move of *alias*, oldest first."""
        return tuple(Entry.read(each) for each in log.records(self.store, _aliases(name, alias)))

    def rollback(
        self, name: str, alias: str, provenance: Provenance, *, expected: str = ANYTHING
    ) -> Entry:
        """Let *alias* name the version before its current one; twice goes back by two.

        Before the first there is nothing, and nothing is what it names then: version "".

        Args:
            name: the model.
            alias: `champion`, `challenger` or any other word.
            provenance: why.
            expected: the version that is taken back; a run gives its own, for another run may have
                moved the alias on.

        Raises: MovedError: it names another than *expected*; nothing is written.
            UserError: it names nothing now.
        """
        where = f"registry/{name}@{alias}"

        def decide(newest: log.Record | None) -> Mapping[str, Any]:
            current = newest.body["version"] if newest else ""
            if expected not in (ANYTHING, current):
                raise MovedError(where, expected, current)
            number = newest.number if newest else 0
            line = line_of(each for each in self.history(name, alias) if each.number <= number)
            if not line:
                raise UserError(where, "names nothing that could be taken back.")
            version = line[-2] if len(line) > 1 else ""
            return {"version": version, "kind": "rollback", "provenance": asdict(provenance)}

        return Entry.read(log.append(self.store, _aliases(name, alias), decide))

    def _order(self, name: str, alias: str, newest: log.Record) -> str:
        """Return the order of the move by which *alias* names what it names.

        After a rollback that is an earlier move: what was taken back does not count.
        """
        entry = Entry.read(newest)
        if entry.kind == "move":
            return entry.provenance.order
        moves = (each for each in self.history(name, alias) if each.number < entry.number)
        orders = [
            m.provenance.order for m in moves if (m.kind, m.version) == ("move", entry.version)
        ]
        return orders[-1] if entry.version and orders else ""

    def version(self, name: str, version: str) -> Version:
        """Return one version. Raises: UserError: there is none of that hash."""
        try:
            return versions.find(self.store, _name(name), version)
        except FileNotFoundError:
            raise UserError(
                f"registry/{name}", f"there is no version {version[:12]}.", "Register it first."
            ) from None

    def fetch(self, name: str, version: str, directory: Path) -> Path:
        """Bring a version's files to *directory*, verified. Returns it."""
        return versions.fetch(self.store, self.version(name, version), directory)

    def models(self) -> tuple[str, ...]:
        """Return the names of all models, sorted."""
        found = self.store.list_with_delimiter("models")["common_prefixes"]
        return tuple(sorted(path.rsplit("/", 1)[-1] for path in found))

    def record(self, run: Mapping[str, Any]) -> int:
        """Append the lineage of one run. Returns how many there are now."""
        return log.append(self.store, "lineage", lambda _: run).number

    def runs(self) -> tuple[log.Record, ...]:
        """Return the lineage of every run, oldest first."""
        return log.records(self.store, "lineage")


def _aliases(name: str, alias: str) -> str:
    return f"models/{_name(name)}/aliases/{_name(alias)}"


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise UserError("registry", f"{text!r} is no name.", "Use letters, digits, '.', '_', '-'.")
    return text
