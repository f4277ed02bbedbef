"""A machine of CI in the cluster's network: buildah with a store of its own, and the Internet."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import egress
from harness.buildah import CERTIFICATES
from harness.places import Places
from harness.registry import Registry
from harness.shell import unmount_below

STORAGE = """[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{scratch}"
[storage.options]
additionalimagestores = ["{cache}"]
"""
REGISTRIES = """[[registry]]
location = "{registry}"
insecure = true
"""
TRUST = """[containers]
volumes = ["{certificates}:{there}:ro"]
"""


@contextmanager
def machine(places: Places, registry: Registry) -> Iterator[dict[str, str]]:
    """Yield the variables that buildah and the installers read on it, until the block ends.

    Its store begins with what the cache's has, and leaves that as it is. Called in the cluster's
    network.
    """
    folder, scratch = places.state / "ci", places.sockets / "ci"
    _clear(folder, scratch)  # of one that was broken off
    folder.mkdir()
    stores = {"folder": folder, "scratch": scratch, "cache": places.cache / "buildah"}
    certificates = os.environ.get("SSL_CERT_FILE")  # trusted outside, so inside as well
    trust = TRUST.format(certificates=certificates, there=CERTIFICATES) if certificates else ""
    environment = {
        "CONTAINERS_STORAGE_CONF": _written(folder / "storage.conf", STORAGE.format(**stores)),
        "CONTAINERS_REGISTRIES_CONF": _written(
            folder / "registries.conf", REGISTRIES.format(registry=registry.address)
        ),
        "CONTAINERS_CONF": _written(folder / "containers.conf", trust),
        "BUILDAH_ISOLATION": "chroot",  # needs no container runtime
    }
    try:
        with egress.proxy() as url:
            yield {**environment, "HTTPS_PROXY": url}
    finally:
        _clear(folder, scratch)


def _clear(*folders: Path) -> None:
    for folder in folders:
        unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _written(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)
