"""What Debian brings: Go, containers, networking and the tools that make images."""

import os
from pathlib import Path
from shutil import which

from harness.errors import HarnessError
from harness.shell import run

PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/local/go/bin"
PACKAGES = {
    "go": "golang-go",
    "containerd": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "openssl": "openssl",
    "debootstrap": "debootstrap",
    "buildah": "buildah",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/share/doc/busybox-static": "busybox-static",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
"""A command, or a path, and the package that has it. What is there already is left as it is."""


def install() -> None:
    """Install what is missing.

    Raises: HarnessError: this machine has no apt-get to do it with.
    """
    missing = [package for sign, package in PACKAGES.items() if not _there(sign)]
    if not missing:
        return
    if not which("apt-get"):
        raise HarnessError(f"This machine lacks {', '.join(missing)}: install them and try again.")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], env=env)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], env=env)


def _there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else which(sign, path=PATH) is not None
