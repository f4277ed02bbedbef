"""Starting a cluster: the one place that knows all its parts and their order."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import build, network, node, packages, roles, services, space, system_images, transfer
from harness.buildah import Store
from harness.cluster import Cluster, describe
from harness.control_plane import ControlPlane
from harness.daemons import Daemons
from harness.down import down
from harness.identity import Identity
from harness.images import Image
from harness.phases import Phases
from harness.places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """One `up`: what it works on, and its stopwatch."""

    places: Places
    phases: Phases

    def up(self) -> Cluster:
        """Return the cluster, started if it does not run, with today's images and objects."""
        space.require(self.places)
        with self.phases.phase("packages"):
            packages.install()
        with self.phases.phase("build"):
            binaries = build.binaries(self.places)
        system = self._system_images(binaries)
        cluster = self._running(binaries)
        if cluster:
            with self.phases.phase("objects"):
                services.create_objects(cluster)
        else:
            cluster = self._start(binaries, system)
        for image in self.build_roles():
            with self.phases.phase(f"load {image.alias}"):
                self._load(image)
        return cluster

    def build_roles(self) -> Iterator[Image]:
        """Yield today's image of every role, each built when its lock or our wheel changed."""
        store = Store(places=self.places)
        with self.phases.phase("base image"):
            shelf = roles.Roles(store=store, base=system_images.build_base(store))
        with self.phases.phase("wheel"):
            wheel = roles.build_wheel(self.places)
        for image in shelf.images(wheel):
            with self.phases.phase(f"{image.alias} image"):
                shelf.build(image, wheel)
            yield image

    def _load(self, image: Image) -> None:
        """Have the nodes hold *image*, the large one only where the GPUs are."""
        for each in node.NODES:
            if each.gpus or image.alias != roles.LARGE:
                transfer.load(image, Store(places=self.places), each)

    def _running(self, binaries: Path) -> Cluster | None:
        """Return the cluster if it runs, with these programs."""
        daemons = Daemons(places=self.places)
        if not self.places.ready.exists() or not all(map(daemons.alive, daemons.names())):
            return None
        cluster = describe(self.places, binaries)
        same = json.loads(self.places.ready.read_text())["binaries"] == str(binaries)
        return cluster if same else None

    def _system_images(self, binaries: Path) -> list[Image]:
        with self.phases.phase("system images"):
            return system_images.build(Store(places=self.places), binaries)

    def _start(self, binaries: Path, images: list[Image]) -> Cluster:
        down(self.places)  # what an earlier start, or a restart of the machine, left behind
        daemons, store = Daemons(places=self.places), Store(places=self.places)
        identity = Identity(folder=self.places.identity)
        with self.phases.phase("start"):
            identity.create()
            network.create(self.places)
            ControlPlane(binaries=binaries, daemons=daemons, identity=identity).start()
            cluster = describe(self.places, binaries)
            for each in node.NODES:
                node.start_containerd(each, daemons)
                for image in images:
                    transfer.load(image, store, each)
                node.start_kubelet(each, daemons, identity, binaries / "kubelet")
            services.create_definitions(cluster)
            services.create_objects(cluster)
            services.start_store(cluster, daemons)
            services.start_dns(cluster, daemons)
            services.write_token(cluster)
            services.start_argo(cluster, daemons)
            self._await_nodes(cluster, daemons)
        self.places.ready.write_text(json.dumps({"binaries": str(binaries)}))
        return cluster

    def _await_nodes(self, cluster: Cluster, daemons: Daemons) -> None:
        for each in node.NODES:
            daemons.wait(f"{each.name}/kubelet", partial(_is_ready, cluster, each.name))
            if each.gpus:
                patch = ("--subresource=status", "--type=json", f"--patch={node.gpu_patch(each)}")
                cluster.kubectl("patch", "node", each.name, *patch)


def _is_ready(cluster: Cluster, name: str) -> bool:
    for found in cluster.get("nodes")["items"]:
        if found["metadata"]["name"] == name:
            conditions = found["status"].get("conditions", [])
            return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return False
