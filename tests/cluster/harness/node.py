"""The nodes: each its own containerd and kubelet, in the network namespace that all share."""

import json
from dataclasses import dataclass
from pathlib import Path

from harness import cgroups
from harness.containerd import Containerd
from harness.daemons import Daemons
from harness.identity import Identity
from harness.places import DNS_SERVICE, NODE_ADDRESS, POD_NETWORK, Places

CNI_RESULTS = Path("/var/lib/cni/results")
GPU_LABEL = "nvidia.com/gpu.product=NVIDIA-H100-80GB-HBM3"
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One of the cluster's nodes."""

    name: str
    port: int
    """The kubelet's; the next one is its health port."""
    gpus: int = 0
    """How many it says it has."""
    pool: str = ""
    """What it was bought as: a label, and nothing else."""

    @property
    def kubelet(self) -> str:
        """The name of the daemon."""
        return f"{self.name}/kubelet"

    def folder(self, places: Places) -> Path:
        return places.state / self.name

    def cgroup(self, places: Places) -> str:
        return f"{places.name}/{self.name}"

    def containerd(self, places: Places) -> Containerd:
        folder = self.folder(places)
        return Containerd(
            name=f"{self.name}/containerd",
            folder=folder,
            root=folder / "containerd",
            socket=places.sockets / self.name / "containerd.sock",
            settings=RUNTIME_SETTINGS.format(networks=folder / "cni"),
        )


NODES = (
    Node(name="node-cpu", port=10250),
    Node(name="gpu-a", port=10260, gpus=4, pool="spot"),
    Node(name="gpu-b", port=10270, gpus=4, pool="on-demand"),
)
RUNTIME_SETTINGS = """[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{networks}"
"""


def start_containerd(node: Node, daemons: Daemons) -> None:
    """Start the container runtime of *node*."""
    network = node.folder(daemons.places) / "cni" / "10-pods.conflist"
    network.parent.mkdir(parents=True, exist_ok=True)
    network.write_text(json.dumps(_pod_network(daemons.places)))
    node.containerd(daemons.places).start(daemons)


def start_kubelet(node: Node, daemons: Daemons, identity: Identity, binaries: Path) -> None:
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
    } | ({"node-labels": f"{GPU_LABEL},pool={node.pool}"} if node.gpus else {})
    daemons.start(node.kubelet, [binaries / "kubelet", *(f"--{k}={v}" for k, v in flags.items())])


def gpu_patch(node: Node) -> str:
    """Return the status patch that makes the scheduler count *node*'s GPUs.

    The kubelet would copy capacity to allocatable itself, ten seconds later.
    """
    paths = (f"/status/{kind}/nvidia.com~1gpu" for kind in ("capacity", "allocatable"))
    return json.dumps([{"op": "add", "path": path, "value": str(node.gpus)} for path in paths])


def remove_containers(places: Places) -> None:
    """Kill and delete what runs on every node; the kubelets must be gone."""
    for result in CNI_RESULTS.glob(f"{places.name}-*"):
        result.unlink()
    for node in NODES:
        node.containerd(places).remove_containers()


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
        "containerRuntimeEndpoint": f"unix://{node.containerd(places).socket}",
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup(places)}",  # else two kubelets delete each other's pods
        "nodeLeaseDurationSeconds": 8,  # renewed every 2 s: a busy machine is not a lost node
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
