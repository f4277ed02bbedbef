"""Starting a cluster: the one place that knows all its parts and their order."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import (
    build,
    jobset,
    network,
    packages,
    roles,
    services,
    space,
    system_images,
    transfer,
)
from harness.buildah import Store
from harness.cluster import Cluster, describe
from harness.control_plane import ControlPlane
from harness.daemons import Daemons
from harness.down import down
from harness.identity import Identity
from harness.images import Image
from harness.node import NODES
from harness.phases import Phases
from harness.places import Places
from harness.shelf import Shelf


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
        images = [*self._system_images(binaries), *self.build_roles()]
        cluster = self._running(binaries)
        if not cluster:
            return self._start(binaries, images)
        with self.phases.phase("objects"):
            services.create_objects(cluster)
        with self.phases.phase("load images"):
            self._load(images)
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

    def _system_images(self, binaries: Path) -> list[Image]:
        with self.phases.phase("system images"):
            return system_images.build(Store(places=self.places), binaries)

    def _load(self, images: Sequence[Image]) -> None:
        """Have the nodes hold *images*, but for one that a test has lost."""
        there = []
        for node in NODES:
            if (containerd := node.containerd(self.places)).answers():
                there.append(containerd)
            else:
                print(f"{node.name} is away. If no test is at work, `make cluster-down` first.")
        for image in images:
            transfer.load(image, Store(places=self.places), there)

    def _running(self, binaries: Path) -> Cluster | None:
        """Return the cluster if it runs, with these programs and nodes.

        Of what belongs to a node or a test, and so has a `/` in its name, anything may be gone.
        """
        daemons = Daemons(places=self.places)
        ours = (name for name in daemons.names() if "/" not in name)
        if not self.places.ready.exists() or not all(map(daemons.alive, ours)):
            return None
        same = self.places.ready.read_text() == _version(binaries)
        return describe(self.places, binaries) if same else None

    def _start(self, binaries: Path, images: Sequence[Image]) -> Cluster:
        with self.phases.phase("clear"):
            down(self.places)  # what an earlier start, or a restart of the machine, left behind
            Identity(folder=self.places.identity).create()
            network.create(self.places)
        shelf = Shelf(places=self.places)
        with self.phases.phase("unpack images"):
            shelf.fill(images, Daemons(places=self.places))
        with self.phases.phase("link images"):
            for each in NODES:
                shelf.copy_to(each.containerd(self.places).root)
        with self.phases.phase("start"):
            cluster = self._start_daemons(binaries)
        self.places.ready.write_text(_version(binaries))
        return cluster

    def _start_daemons(self, binaries: Path) -> Cluster:
        daemons = Daemons(places=self.places)
        identity = Identity(folder=self.places.identity)
        ControlPlane(binaries=binaries, daemons=daemons, identity=identity).start()
        cluster = describe(self.places, binaries)
        for each in NODES:
            cluster.nodes.start(each)
        services.create_definitions(cluster)
        services.create_objects(cluster)
        services.start_store(cluster, daemons)
        services.start_dns(cluster, daemons)
        jobset.start(cluster, daemons)
        services.write_token(cluster, daemons)
        services.start_argo(cluster, daemons)
        for each in NODES:
            cluster.nodes.await_ready(each)
        return cluster


def _version(binaries: Path) -> str:
    """Return what a cluster must have in common with ours to be taken for it."""
    return json.dumps({"binaries": str(binaries), "nodes": [each.name for each in NODES]})
