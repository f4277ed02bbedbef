"""Starting a cluster: the one place that knows all its parts and their order."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import build, network, node, oci, packages, services, system_images
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
        with self.phases.phase("packages"):
            packages.install()
        with self.phases.phase("build"):
            binaries = build.binaries(self.places)
        images = self._system_images(binaries)
        return self._running(binaries) or self._start(binaries, images)

    def _running(self, binaries: Path) -> Cluster | None:
        """Return the cluster if it runs, with these programs."""
        daemons = Daemons(places=self.places)
        if not self.places.ready.exists() or not all(map(daemons.alive, daemons.names())):
            return None
        cluster = describe(self.places, binaries)
        same = json.loads(self.places.ready.read_text())["binaries"] == str(binaries)
        return cluster if same else None

    def _system_images(self, binaries: Path) -> list[Image]:
        store, layout = Store(places=self.places), oci.Layout(folder=self.places.cache / "oci")
        with self.phases.phase("system images"):
            images = system_images.build(store, binaries)
            for image in images:
                if not layout.descriptor(image.reference):
                    store.export(image, layout.folder)
        return images

    def _start(self, binaries: Path, images: list[Image]) -> Cluster:
        down(self.places)  # what an earlier start, or a restart of the machine, left behind
        daemons = Daemons(places=self.places)
        identity = Identity(folder=self.places.identity)
        layout = oci.Layout(folder=self.places.cache / "oci")
        with self.phases.phase("start"):
            identity.create()
            network.create(self.places)
            ControlPlane(binaries=binaries, daemons=daemons, identity=identity).start()
            cluster = describe(self.places, binaries)
            for each in node.NODES:
                node.start_containerd(each, daemons)
                for image in images:
                    oci.load(layout, image, each, self.places)
                node.start_kubelet(each, daemons, identity, binaries / "kubelet")
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
