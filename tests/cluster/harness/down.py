"""Taking a cluster down, whatever state it is in, and leaving nothing of it behind."""

import shutil

from harness import cgroups, network
from harness.buildah import Store
from harness.daemons import Daemons
from harness.node import remove_containers
from harness.places import Places
from harness.shell import unmount_below


def down(places: Places) -> None:
    """Stop and remove everything of *places*; that there is nothing is fine."""
    places.ready.unlink(missing_ok=True)
    daemons = Daemons(places=places)
    daemons.stop(name for name in daemons.names() if name.endswith("/kubelet"))
    remove_containers(places)
    daemons.stop(daemons.names())
    cgroups.remove(places.name)
    for folder in (places.state, places.sockets):
        unmount_below(folder)
    Store(places=places).release()
    network.remove(places)
    for folder in (places.sockets, places.state):
        shutil.rmtree(folder, ignore_errors=True)
