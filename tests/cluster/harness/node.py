"""A node: its own containerd and kubelet, in the network namespace that all nodes share."""

import json
from dataclasses import dataclass
from pathlib import Path

from harness import cgroups
from harness.daemons import Daemons
from harness.identity import Identity
from harness.places import DNS_SERVICE, NODE_ADDRESS, POD_NETWORK, Places
from harness.shell import Argument, run, succeeds

CNI_RESULTS = Path("/var/lib/cni/results")
GPU_LABEL = "nvidia.com/gpu.product=NVIDIA-H100-80GB-HBM3"
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One of the cluster's nodes, and how many GPUs it says it has."""

    name: str
    port: int
    """The kubelet's; the next one is its health port."""
    gpus: int = 0

    def folder(self, places: Places) -> Path:
        return places.state / self.name

    def socket(self, places: Places) -> Path:
        return places.sockets / self.name / "containerd.sock"

    def cgroup(self, places: Places) -> str:
        return f"{places.name}/{self.name}"

    def ctr(self, places: Places) -> list[Argument]:
        """Return the start of a command to this node's containerd."""
        return ["ctr", "--address", self.socket(places), "--namespace", "k8s.io"]


NODES = (Node(name="node-a", port=10250), Node(name="node-b", port=10260, gpus=4))


def start_containerd(node: Node, daemons: Daemons) -> None:
    """Start the container runtime of *node*; images can be loaded when this returns."""
    places, folder = daemons.places, node.folder(daemons.places)
    (folder / "cni").mkdir(parents=True)
    node.socket(places).parent.mkdir(parents=True, exist_ok=True)
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(_pod_network(places)))
    config = folder / "containerd.toml"
    config.write_text(_containerd_config(node, places))
    name = f"{node.name}/containerd"
    daemons.start(name, ["containerd", "--config", config])
    daemons.wait(name, lambda: succeeds([*node.ctr(places), "version"]))


def start_kubelet(node: Node, daemons: Daemons, identity: Identity, kubelet: Path) -> None:
    """Start the kubelet, which registers *node*."""
    folder = node.folder(daemons.places)
    cgroups.create(node.cgroup(daemons.places))
    config = folder / "kubelet.json"
    config.write_text(json.dumps(_kubelet_config(node, daemons.places, identity.authority)))
    flags = {
        "config": config,
        "kubeconfig": identity.kubeconfig(node.name),
        "hostname-override": node.name,
        "node-ip": NODE_ADDRESS,
        "root-dir": folder / "kubelet",
        "cert-dir": folder / "kubelet-pki",
    } | ({"node-labels": GPU_LABEL} if node.gpus else {})
    daemons.start(f"{node.name}/kubelet", [kubelet, *(f"--{k}={v}" for k, v in flags.items())])


def gpu_patch(node: Node) -> str:
    """Return the status patch that makes the scheduler count *node*'s GPUs."""
    path = "/status/capacity/nvidia.com~1gpu"
    return json.dumps([{"op": "add", "path": path, "value": str(node.gpus)}])


def remove_containers(node: Node, places: Places) -> None:
    """Kill and delete what runs on *node*; its kubelet must be gone, or it starts all anew."""
    for result in CNI_RESULTS.glob(f"{places.name}-*"):
        result.unlink()
    if not node.socket(places).exists() or not succeeds([*node.ctr(places), "version"]):
        return
    for kind, remove in (("task", ["rm", "--force"]), ("container", ["rm"])):
        for name in run([*node.ctr(places), kind, "ls", "--quiet"]).split():
            succeeds([*node.ctr(places), kind, *remove, name])


def _kubelet_config(node: Node, places: Places, authority: Path) -> dict[str, object]:
    folder = node.folder(places)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "port": node.port,
        "healthzPort": node.port + 1,
        "containerRuntimeEndpoint": f"unix://{node.socket(places)}",
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup(places)}",  # else two kubelets delete each other's pods
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {"KubeletInUserNamespace": True},  # it may not lower oom scores here
        "registerWithTaints": [GPU_TAINT] if node.gpus else [],
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "imageGCHighThresholdPercent": 100,  # images are loaded by hand: never delete one
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
    }


def _pod_network(places: Places) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": str(places.state / "addresses"),  # one for all nodes: they share the bridge
        "ranges": [[{"subnet": POD_NETWORK}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {
        "cniVersion": "0.4.0",
        "name": places.name,  # also the start of the files it leaves in CNI_RESULTS
        "plugins": [{**bridge, "ipam": addresses}, ports],
    }


def _containerd_config(node: Node, places: Places) -> str:
    folder = node.folder(places)
    return f"""version = 2
root = "{folder / "containerd"}"
state = "{node.socket(places).parent / "state"}"
[grpc]
  address = "{node.socket(places)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder / "cni"}"
"""
