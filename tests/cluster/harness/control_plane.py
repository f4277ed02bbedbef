"""etcd, the API server, the controller manager, the scheduler and kube-proxy."""

from dataclasses import dataclass
from pathlib import Path

from harness.daemons import Daemons
from harness.identity import Identity
from harness.places import NODE_ADDRESS, SERVICE_NETWORK
from harness.shell import Argument, inside, succeeds


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """The programs that every node talks to."""

    binaries: Path
    daemons: Daemons
    identity: Identity

    def start(self) -> None:
        """Start everything, and return once the API server answers."""
        state = self.daemons.places.state
        self.daemons.start(
            "etcd", [self.binaries / "etcd", "--data-dir", state / "etcd", "--unsafe-no-fsync"]
        )
        self.daemons.start("apiserver", [self.binaries / "kube-apiserver", *self._api_flags()])
        self.daemons.wait("apiserver", self._answers)
        self._start_with_kubeconfig(
            "controller-manager",
            f"--service-account-private-key-file={self.identity.folder / 'sa.key'}",
            f"--root-ca-file={self.identity.authority}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--node-monitor-grace-period=16s",  # a lost node is noticed in seconds, not minutes
        )
        self._start_with_kubeconfig("scheduler", "--leader-elect=false")
        self._start_with_kubeconfig(
            "proxy",
            "--proxy-mode=iptables",
            "--hostname-override=node-cpu",
            "--conntrack-max-per-core=0",  # these sysctls are read-only in a network namespace
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        )

    def _start_with_kubeconfig(self, name: str, *flags: str) -> None:
        kubeconfig = f"--kubeconfig={self.identity.kubeconfig(name)}"
        self.daemons.start(name, [self.binaries / f"kube-{name}", kubeconfig, *flags])

    def _answers(self) -> bool:
        kubectl: list[Argument] = [
            self.binaries / "kubectl",
            "--kubeconfig",
            self.identity.kubeconfig("admin"),
        ]
        return succeeds(inside(self.daemons.places.netns, [*kubectl, "get", "--raw", "/readyz"]))

    def _api_flags(self) -> list[str]:
        pki = self.identity.folder
        return [
            "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={NODE_ADDRESS}",
            "--secure-port=6443",
            f"--tls-cert-file={pki / 'api.crt'}",
            f"--tls-private-key-file={pki / 'api.key'}",
            f"--client-ca-file={self.identity.authority}",
            f"--token-auth-file={pki / 'tokens.csv'}",
            f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
            f"--kubelet-client-key={pki / 'kubelet-client.key'}",
            "--kubelet-preferred-address-types=InternalIP",  # nothing resolves a node's name
            f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged",
            "--default-not-ready-toleration-seconds=5",
            "--default-unreachable-toleration-seconds=5",
        ]
