"""The control groups that keep one kubelet's pods apart from the other's, version 1 or 2."""

import os
import signal
import time
from pathlib import Path

from harness.daemons import send
from harness.errors import HarnessError

MOUNT = Path("/sys/fs/cgroup")


def create(group: str) -> None:
    """Make *group* (a relative path) in every hierarchy, usable by a kubelet as its root."""
    for hierarchy in _hierarchies():
        path = hierarchy
        for part in Path(group).parts:
            parent, path = path, path / part
            path.mkdir(exist_ok=True)
            if _unified():
                _delegate(parent)
            else:
                _fill_cpuset(parent, path)


def remove(group: str) -> None:
    """End what still runs in *group* and delete it: only pods of ours are ever put there."""
    for hierarchy in _hierarchies():
        folders = sorted(_below(hierarchy / group), reverse=True)
        for folder in folders:
            for pid in _processes(folder):
                send(pid, signal.SIGKILL)
        for folder in folders:
            _remove_folder(folder)


def _unified() -> bool:
    return (MOUNT / "cgroup.controllers").exists()


def _hierarchies() -> list[Path]:
    """Return the mounted hierarchies, each once: version 1 has links to joined controllers."""
    if _unified():
        return [MOUNT]
    return sorted(
        p for p in MOUNT.iterdir() if (p / "cgroup.procs").exists() and not p.is_symlink()
    )


def _below(folder: Path) -> list[Path]:
    return [Path(found) for found, _, _ in os.walk(folder)]  # which passes over what vanishes


def _processes(folder: Path) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError:  # the group vanished: no such file, or, when it was open, no such device
        return []


def _fill_cpuset(parent: Path, path: Path) -> None:
    """Give *path* its parent's processors and memory: version 1 starts it with none."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (path / name).exists():
            (path / name).write_text((parent / name).read_text())


def _delegate(parent: Path) -> None:
    """Let the children of *parent* have its controllers (version 2)."""
    try:
        for controller in (parent / "cgroup.controllers").read_text().split():
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")
    except OSError as error:
        raise HarnessError(
            f"{parent}/cgroup.subtree_control cannot be written ({error.strerror}): in a container,"
            " processes have to be moved out of its root cgroup first."
        ) from error


def _remove_folder(folder: Path) -> None:
    for _ in range(50):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:  # busy: what was killed a moment ago is not gone yet
            time.sleep(0.1)
        else:
            return
