"""The network namespace that holds the whole cluster: no address of it is seen outside."""

import socket

from harness.places import NODE_ADDRESS, Places
from harness.shell import inside, run


def create(places: Places) -> None:
    """Make the namespace, with the nodes' address on its loopback device."""
    run(["ip", "netns", "add", places.name])
    for command in (
        "ip link set lo up",
        f"ip address add {NODE_ADDRESS}/32 dev lo",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
    ):
        run(inside(places.netns, ["sh", "-c", command]))


def remove(places: Places) -> None:
    if places.netns.exists():
        run(["ip", "netns", "delete", places.name])


def free_port(address: str) -> int:
    """Return a port of *address* that nobody listens at. Called in the cluster's network."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
    return port
