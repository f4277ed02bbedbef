"""Running commands to their end, outside and inside the cluster's network namespace."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError

Argument = str | Path


def run(
    argv: Sequence[Argument],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Return the standard output of *argv*.

    Raises: HarnessError: it ended with another code than 0; the text holds the end of its output.
    """
    words = [str(word) for word in argv]
    done = subprocess.run(
        words, cwd=cwd, env=env, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        output = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise HarnessError(f"`{' '.join(words)}` ended with {done.returncode}:\n{output}")
    return done.stdout


def succeeds(argv: Sequence[Argument]) -> bool:
    """Say whether *argv* ends with 0; its output is nobody's."""
    return subprocess.run(list(map(str, argv)), capture_output=True, check=False).returncode == 0


def inside(netns: Path, argv: Sequence[Argument]) -> list[str]:
    """Return *argv* as it runs in *netns*.

    Not `ip netns exec`: that mounts another /sys, where the kubelet finds no cgroups.
    """
    return ["nsenter", f"--net={netns}", *map(str, argv)]


def unmount_below(folder: Path) -> None:
    """Unmount, innermost first; lazily, because a dying process may still hold one.

    That one is gone meanwhile is fine: a runtime unmounts its own.
    """
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if Path(m).is_relative_to(folder)), reverse=True):
        succeeds(["umount", "--lazy", mount])
