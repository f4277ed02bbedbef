"""What can be removed, and what to do for it: of this machine, and of a cluster."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiphys.engine.status import ended
from tiphys.errors import UserError
from tiphys.runtime import litter

if TYPE_CHECKING:
    from tiphys.cli.there import There

CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Litter:
    """One thing that nothing needs any more."""

    kind: str
    name: str
    why: str
    since: datetime
    bytes_: int | None
    remove: Callable[[], None]


def here(root: Path, before: datetime) -> Iterator[Litter]:
    """Yield what is older than *before* and not needed by a run of this machine."""
    found = [("run", left) for left in litter.runs(root, before)]
    found += [("archive", left) for left in litter.archives(root, before)]
    for kind, left in found:
        yield Litter(
            kind=kind,
            name=left.name,
            why=f"it has ended: {left.phase}" if left.phase else "no run refers to it",
            since=left.since,
            bytes_=left.bytes_,
            remove=partial(litter.remove, root, left),
        )


def there(where: "There", before: datetime) -> tuple[list[Litter], Sequence[str]]:
    """Return what nothing on the cluster needs, and what nobody could look at."""
    gangs, no_gangs = _gangs(where)
    archives, no_archives = _archives(where, before)
    return [*gangs, *archives, *_pages(where, before)], (*no_gangs, *no_archives)


def _gangs(where: "There") -> tuple[list[Litter], Sequence[str]]:
    """Return the gangs whose launcher and whose run have ended or are gone.

    The launcher is looked for where the gang is: the profile's Argo Server, which knows the runs,
    may be that of another cluster. Of each run it is asked by name, as its list may lack some.
    """
    from tiphys.cluster import gangs, sight  # noqa: PLC0415 - only this asks for them

    api = where.api()
    if api is None:
        return [], (f"gangs: {sight.UNNAMED}.",)
    found = []
    for gang in gangs.listed(api):
        if not gangs.is_left(api, gang):
            continue
        run = gangs.run_of(gang)
        own = where.look_for(run)
        if own is not None and not ended(own):
            continue
        found.append(
            Litter(
                kind="gang",
                name=gang["metadata"]["name"],
                why=f"its run {run} has ended" if own else f"there is no run {run} any more",
                since=datetime.fromisoformat(gang["metadata"]["creationTimestamp"]),
                bytes_=None,
                remove=partial(gangs.delete, api, gang),
            )
        )
    return found, ()


def _archives(where: "There", before: datetime) -> tuple[list[Litter], Sequence[str]]:
    """Return the old archives that neither a run nor what runs are made from refers to.

    Archives are looked up before runs: code that is stored again meanwhile is not removed.
    """
    try:
        old = [archive for archive in where.archives() if archive.since < before]
        wanted = codes([*where.list_every_run(), *where.sources()]) if old else frozenset()
    except UserError as problem:
        return [], (f"archives: {problem}",)
    found = [
        Litter(
            kind="archive",
            name=archive.digest,
            why="no run and no template refers to it",
            since=archive.since,
            bytes_=archive.bytes_,
            remove=partial(where.remove_archive, archive),
        )
        for archive in old
        if archive.digest not in wanted
    ]
    return found, ()


def _pages(where: "There", before: datetime) -> Iterator[Litter]:
    """Yield the pages that this machine has of the cluster's runs."""
    for path in sorted(where.page("-").parent.glob("*.html")):
        state = path.stat()
        since = datetime.fromtimestamp(state.st_mtime, before.tzinfo)
        if since < before:
            yield Litter(
                kind="page",
                name=path.stem,
                why="`tiphys get` shows the run while it is there",
                since=since,
                bytes_=state.st_size,
                remove=partial(path.unlink, missing_ok=True),
            )


def codes(objects: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the values of the parameter `code` of runs, templates and schedules."""
    found = set()
    for one in objects:
        spec = one.get("spec") or {}
        for each in (spec, spec.get("workflowSpec") or {}):
            for parameter in (each.get("arguments") or {}).get("parameters") or ():
                if parameter["name"] == CODE:
                    found.add(str(parameter.get("value", "")))
    return frozenset(found)
