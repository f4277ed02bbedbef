"""The images as a containerd keeps them, in the cache; every node starts with hard links to it.

So the large image is unpacked once a machine and lies on the disk once, whatever the number of
nodes, and a start takes seconds. Nothing ever writes into a file of an unpacked layer: a container
that changes one gets a copy, and what is deleted on one side stays linked on the other.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import transfer
from harness.buildah import Store
from harness.containerd import Containerd
from harness.daemons import Daemons
from harness.images import Image
from harness.places import Places
from harness.shell import run

WITHOUT_KUBERNETES = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
DATABASES = "*/*.db"
"""What containerd changes in place: each node gets a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Today's images, unpacked."""

    places: Places

    @property
    def root(self) -> Path:
        return self.places.cache / "containerd"

    @property
    def _contents(self) -> Path:
        """Written last: without it the shelf is half filled."""
        return self.places.cache / "containerd.json"

    def fill(self, images: Sequence[Image], daemons: Daemons) -> None:
        """Have *images* on the shelf, and no others."""
        wanted = json.dumps({image.name: image.key for image in images}, sort_keys=True)
        if self._contents.exists() and self._contents.read_text() == wanted:
            return
        self._contents.unlink(missing_ok=True)
        containerd = self._containerd
        containerd.start(daemons)
        store = Store(places=self.places)
        for image in images:
            transfer.load(image, store, [containerd])
        names = {image.name for image in images}
        for name in set(containerd.list("image")) - names:
            run([*containerd.ctr, "image", "rm", name])
        transfer.collect_garbage(containerd)
        daemons.stop([containerd.name])
        daemons.forget([containerd.name])
        self._contents.write_text(wanted)

    def copy_to(self, root: Path) -> None:
        """Make *root* the root directory of another containerd, with every image."""
        root.parent.mkdir(parents=True, exist_ok=True)
        one_disk = self.root.stat().st_dev == root.parent.stat().st_dev
        run(["cp", "--archive", *(["--link"] if one_disk else []), self.root, root])
        for database in self.root.glob(DATABASES):
            copy = root / database.relative_to(self.root)
            copy.unlink()
            shutil.copy2(database, copy)

    @property
    def _containerd(self) -> Containerd:
        return Containerd(
            name="shelf",
            folder=self.places.state / "shelf",
            root=self.root,
            socket=self.places.sockets / "shelf" / "containerd.sock",
            settings=WITHOUT_KUBERNETES,
        )
