"""A registry of images, as a project has one: CI pushes to it, and nodes pull from it.

It listens on the loopback device, which all nodes share: there containerd speaks plain HTTP, as
it would to a registry beside it.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from harness.daemons import Daemons
from harness.network import free_port
from harness.places import Places

ADDRESS = "127.0.0.1"
TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where it is, and what it has."""

    address: str
    """Host and port: the start of the names of its images."""

    def answers(self) -> bool:
        try:
            self.images()
        except URLError:
            return False
        return True

    def images(self) -> dict[str, str]:
        """Return the name and tag of every image to its digest."""
        return {
            f"{name}:{tag}": self._digest(name, tag)
            for name in self._ask("_catalog")["repositories"] or ()  # null where it has none
            for tag in self._ask(f"{name}/tags/list")["tags"]
        }

    def _ask(self, path: str) -> dict[str, list[str]]:
        with urlopen(f"http://{self.address}/v2/{path}") as answer:
            found: dict[str, list[str]] = json.load(answer)
        return found

    def _digest(self, name: str, tag: str) -> str:
        url = f"http://{self.address}/v2/{name}/manifests/{tag}"
        with urlopen(Request(url, method="HEAD", headers={"Accept": TYPE})) as answer:
            digest: str = answer.headers["Docker-Content-Digest"]
        return digest


@contextmanager
def serve(places: Places, binaries: Path) -> Iterator[Registry]:
    """Serve an empty registry until the block ends.

    Called in the cluster's network: several may be served at once, each at a port that is free.
    """
    port, daemons = free_port(ADDRESS), Daemons(places=places)
    name = f"registry/{port}"
    folder, made = places.state / name, Registry(address=f"localhost:{port}")
    folder.mkdir(parents=True)
    flags = (f"--address={ADDRESS}:{port}", f"--disk={folder}")
    daemons.start(name, [binaries / "crane", "registry", "serve", *flags])
    try:
        daemons.wait(name, made.answers)
        yield made
    finally:
        daemons.stop([name])
        daemons.forget([name])
        shutil.rmtree(folder)
