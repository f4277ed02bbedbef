"""Who is who: certificates, the static token of every component, kubeconfigs."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from harness.places import (
    API_SERVER,
    API_SERVICE,
    NAMESPACE,
    NODE_ADDRESS,
    PROJECT_NAMESPACE,
)
from harness.shell import run

USERS = {
    "admin": ("admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
} | {name: (f"system:node:{name}", "system:nodes") for name in ("node-cpu", "gpu-a", "gpu-b")}
"""The name of a kubeconfig, and the user and group the API server takes its token for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The files of one cluster's identities, all in one folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    def create(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True)
        self._openssl("req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.crt", *CA)
        self._openssl("genpkey", "-algorithm", "RSA", "-out", "sa.key")
        self._openssl("pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        addresses = ["127.0.0.1", NODE_ADDRESS, API_SERVICE]
        names = ["DNS:localhost", "DNS:kubernetes.default.svc", *(f"IP:{a}" for a in addresses)]
        self._certify("api", "/CN=kube-apiserver", ",".join(names))
        self._certify("kubelet-client", "/O=system:masters/CN=apiserver", "DNS:apiserver")
        tokens = {name: secrets.token_hex(16) for name in USERS}
        (self.folder / "tokens.csv").write_text(
            "".join(
                f'{tokens[name]},{user},{name},"{group}"\n' for name, (user, group) in USERS.items()
            )
        )
        for name, token in tokens.items():
            self._write_kubeconfig(name, {"token": token})
        self._write_kubeconfig("nobody", {})
        self._write_kubeconfig(PROJECT_NAMESPACE, {"token": tokens["admin"]}, PROJECT_NAMESPACE)
        (self.folder / "s3").write_text(f"tiphys {secrets.token_hex(16)}\n")

    def kubeconfig(self, user: str) -> Path:
        return self.folder / f"{user}.kubeconfig"

    def certify_webhook(self, name: str) -> None:
        """Make a certificate for our address, as `tls.key` and `tls.crt` in the folder *name*."""
        (self.folder / name).mkdir()
        self._certify(f"{name}/tls", f"/CN={name}", f"IP:{NODE_ADDRESS}")

    def _write_kubeconfig(
        self, name: str, user: dict[str, str], namespace: str = NAMESPACE
    ) -> None:
        cluster = {"server": API_SERVER, "certificate-authority": str(self.authority)}
        context = {"cluster": "tiphys", "user": name, "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tiphys", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "tiphys", "context": context}],
            "current-context": "tiphys",
        }
        self.kubeconfig(name).write_text(json.dumps(config, indent=1))
        self.kubeconfig(name).chmod(0o600)

    def _certify(self, name: str, subject: str, alternatives: str) -> None:
        request, extension = f"{name}.csr", f"{name}.ext"
        (self.folder / extension).write_text(f"subjectAltName={alternatives}\n")
        self._openssl("req", *KEY, "-keyout", f"{name}.key", "-out", request, "-subj", subject)
        authority = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30")
        self._openssl(
            "x509", "-req", "-in", request, *authority, "-extfile", extension, "-out", f"{name}.crt"
        )

    def _openssl(self, *words: str) -> None:
        run(["openssl", *words], cwd=self.folder)


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
CA = ("-subj", "/CN=tiphys-ca", "-days", "30")
