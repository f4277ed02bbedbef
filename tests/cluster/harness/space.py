"""Whether the disk has room for what is still to come: said before half an hour is spent."""

import shutil

from harness.errors import HarnessError
from harness.places import Places
from harness.shelf import Shelf


def require(places: Places) -> None:
    """Raise HarnessError unless a cluster of *places* fits on the disk."""
    places.cache.mkdir(parents=True, exist_ok=True)
    needs = {
        "Go's build cache and the programs": 0 if any(places.cache.glob("bin-*")) else 8,
        "the layers of the images": 0 if (places.cache / "buildah").exists() else 11,
        "the images unpacked": 0 if Shelf(places=places).root.exists() else 13,
        "a cluster": 0 if places.ready.exists() else 1,
    }
    free = shutil.disk_usage(places.cache).free // 10**9
    if free < sum(needs.values()):
        parts = ", ".join(f"{gigabytes} GB for {what}" for what, gigabytes in needs.items())
        raise HarnessError(
            f"{places.cache} has {free} GB free, and the cluster takes {sum(needs.values())} GB"
            f" more: {parts}. The image of role `train` holds torch with CUDA."
        )
