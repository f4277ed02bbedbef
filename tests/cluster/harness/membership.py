"""Nodes that join the cluster, are lost as by a power cut, and come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness import cgroups
from harness.daemons import Daemons
from harness.errors import HarnessError
from harness.identity import Identity
from harness.node import NODES, Node, gpu_patch, start_containerd, start_kubelet
from harness.places import Places
from harness.shell import unmount_below


class Kubectl(Protocol):
    """What asks the API server."""

    def __call__(self, *words: str) -> str:
        """Return what kubectl prints.

        Raises: HarnessError: it ended with another code than 0.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The nodes of one cluster."""

    places: Places
    binaries: Path
    kubectl: Kubectl

    def start(self, node: Node) -> None:
        """Start what runs on *node*, its images being there."""
        start_containerd(node, self._daemons)
        start_kubelet(node, self._daemons, Identity(folder=self.places.identity), self.binaries)

    def await_ready(self, node: Node) -> None:
        """Return once *node* takes pods, its GPUs counted."""
        self._daemons.wait(node.kubelet, lambda: self._is_ready(node))
        if node.gpus:
            patch = ("--subresource=status", "--type=json", f"--patch={gpu_patch(node)}")
            self.kubectl("patch", "node", node.name, *patch)

    def lose(self, node: Node) -> None:
        """Have *node* vanish with all that runs on it, and return once Kubernetes knows.

        Nothing takes a lost node from the API server here, as a cloud's controller would: without
        that its pods would be Terminating for ever.
        """
        self.cut_off(node)
        self.kubectl("delete", "node", node.name)

    def cut_off(self, node: Node) -> None:
        """Take the power from *node*, and return once Kubernetes knows."""
        containerd = node.containerd(self.places)
        daemons = [node.kubelet, containerd.name]
        self._daemons.kill(daemons)
        self._daemons.forget(daemons)  # the cluster is whole without them
        containerd.kill_shims()
        cgroups.remove(node.cgroup(self.places))
        self.kubectl("wait", "--for=condition=Ready=Unknown", f"node/{node.name}", "--timeout=60s")

    def bring_back(self, node: Node) -> None:
        """Start *node* again as after a reboot: with its images, and nothing running."""
        unmount_below(node.folder(self.places))
        node.containerd(self.places).forget_runs()
        self.start(node)
        self.await_ready(node)

    @contextmanager
    def lost(self, node: Node) -> Iterator[None]:
        """Be without *node* as long as the block runs, and until Kubernetes gave up its pods."""
        on_it = f"--field-selector=spec.nodeName={node.name}"
        try:
            self.lose(node)
            yield
            self.kubectl("wait", "--for=delete", "pods", "-A", on_it, "--timeout=240s")
        finally:
            self.bring_back(node)

    def reboot(self, node: Node) -> None:
        """Have *node* lose its power and come back before its pods are given up."""
        try:
            self.cut_off(node)
        finally:
            self.bring_back(node)

    @property
    def _daemons(self) -> Daemons:
        return Daemons(places=self.places)

    def _is_ready(self, node: Node) -> bool:
        status = "-o=jsonpath={.status.conditions[?(@.type=='Ready')].status}"
        try:
            return self.kubectl("get", "node", node.name, status) == "True"
        except HarnessError:  # it has not registered itself yet
            return False


def named(name: str) -> Node:
    """Return the node called *name*."""
    (found,) = (node for node in NODES if node.name == name)
    return found
