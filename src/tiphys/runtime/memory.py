"""Memory limits of attempts: a control group each, version 1 or 2, where we may make one.

The driver finds out here what this machine allows and says it in the attempt's request; the
supervisor (`nursery`) makes the group, has the attempt join it, and takes it away.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from tiphys.manifest import patch
from tiphys.manifest.model import Template

MAIN = "main"

_QUANTITY = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]+))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Where groups can be made on this machine, and in which words."""

    parent: Path
    home: Path
    """Where this process is: what an attempt leaves running goes there."""
    settings: tuple[str, ...]
    """The files that take a limit; the first has to."""
    events: str
    """The file that counts what was killed for want of memory."""
    whole: bool
    """Whether the kernel can kill all of a group at once, as Kubernetes then has it."""


def limit(template: Template) -> int | None:
    """Return how many bytes the attempt may use; the patch of this attempt beats its template."""
    container = template.container
    if container is None:
        return None
    patched = patch.memory_limit(str(template.pod.get("podSpecPatch") or ""), MAIN)
    said = patched or (container.resources.get("limits") or {}).get("memory")
    return None if said is None else in_bytes(str(said))


def in_bytes(quantity: str) -> int | None:
    """Return the value of a Kubernetes quantity in whole bytes; None where it is none.

    >>> in_bytes("2Ki"), in_bytes("1.5M"), in_bytes("1e3"), in_bytes("much")
    (2048, 1500000, 1000, None)
    """
    match = _QUANTITY.fullmatch(quantity.strip())
    if match is None:
        return None
    number, suffix, exponent = match.groups()
    if suffix and suffix.endswith("i"):
        return int(Decimal(number) * 1024 ** ("KMGTPE".index(suffix[0]) + 1))
    return int(Decimal(number).scaleb(_DECIMAL[suffix] if suffix else int(exponent or 0)))


def request(folder: Path, bytes_: int | None) -> dict[str, Any] | None:
    """Return what the nursery needs to keep the attempt in *folder* within *bytes_*.

    None: it has no limit, this machine lets us enforce none, or it has less memory than that. To
    move a process into a group takes some milliseconds, so none is made for nothing.
    """
    found = groups()
    if bytes_ is None or found is None or bytes_ >= _all_there_is():
        return None
    values = [[name, str(bytes_)] for name in found.settings]
    if found.whole:
        values.append(["memory.oom.group", "1"])
    return {
        "group": str(found.parent / f"tiphys-attempt-{folder.stat().st_ino}"),
        "values": values,
        "events": found.events,
        "home": str(found.home),
    }


@cache
def groups() -> Groups | None:
    """Return where this process may make groups that limit memory, or None."""
    with suppress(OSError, ValueError):
        own, mounts = (Path("/proc/self", name).read_text() for name in ("cgroup", "mountinfo"))
        return find(own, mounts, allowed)
    return None


def _all_there_is() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def find(cgroup: str, mountinfo: str, may: Callable[[Path, str], bool]) -> Groups | None:
    """Return where groups can be made, going by the two files of /proc and by whom *may* tells."""
    own = dict(line.split(":", 2)[1:] for line in cgroup.splitlines())
    names: tuple[str, ...]
    first = next((path for names, path in own.items() if "memory" in names.split(",")), None)
    if first is not None:
        home = _folder(mountinfo, "cgroup", first)
        parents = [home]
        names, events = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), "oom_control"
    else:  # version 2: only a group without processes may have limited ones in it
        home = _folder(mountinfo, "cgroup2", own.get("", "/"))
        parents = [home, home.parent]
        names, events = ("memory.max",), "events"
    for parent in parents:
        if may(parent, names[0]):
            return Groups(
                parent=parent,
                home=home,
                settings=names,
                events=f"memory.{events}",
                whole=first is None,
            )
    return None


def _folder(mountinfo: str, kind: str, path: str) -> Path:
    """Return where the group *path* lies; ValueError where its hierarchy is not mounted."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, mounted = before.split()[3:5]
        type_, _, options = after.split(maxsplit=2)
        if type_ == kind and (kind == "cgroup2" or "memory" in options.split(",")):
            return Path(mounted) / os.path.relpath(path, root)
    raise ValueError(kind)


def allowed(parent: Path, setting: str) -> bool:
    """Whether a group in *parent* can be made and has *setting*: it is tried out."""
    probe = parent / f"tiphys-probe-{os.getpid()}"
    try:
        probe.mkdir()
    except OSError:
        return False
    try:
        return os.access(probe / setting, os.W_OK)
    finally:
        probe.rmdir()
