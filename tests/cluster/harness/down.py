"""Taking a cluster down, whatever state it is in, and leaving nothing of it behind."""

import shutil
from pathlib import Path

from harness import cgroups, network
from harness.daemons import Daemons
from harness.node import NODES, remove_containers
from harness.places import Places
from harness.shell import run


def down(places: Places) -> None:
    """Stop and remove everything of *places*; that there is nothing is fine."""
    places.ready.unlink(missing_ok=True)
    daemons = Daemons(places=places)
    daemons.stop(name for name in daemons.names() if name.endswith("/kubelet"))
    for node in NODES:
        remove_containers(node, places)
    daemons.stop(daemons.names())
    cgroups.remove(places.name)
    for folder in (places.state, places.sockets):
        _unmount_below(folder)
    network.remove(places)
    for folder in (places.sockets, places.state):
        shutil.rmtree(folder, ignore_errors=True)


def _unmount_below(folder: Path) -> None:
    """Unmount, innermost first; lazily, because a dying process may still hold one."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if Path(m).is_relative_to(folder)), reverse=True):
        run(["umount", "--lazy", mount])
