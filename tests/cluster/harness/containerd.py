"""A container runtime: a node's own, or the one that fills the shelf of images."""

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from harness.daemons import Daemons, send
from harness.shell import Argument, run, succeeds, unmount_below

RUNS = Path("/run/containerd/runc/k8s.io")
"""Where runc notes what runs, for every containerd of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Containerd:
    """One containerd: what it is called, where it keeps images and where it listens."""

    name: str
    folder: Path
    """For its configuration."""
    root: Path
    socket: Path
    settings: str
    """The end of its configuration file: what differs between containerds."""

    @property
    def ctr(self) -> list[Argument]:
        """Return the start of a command to it."""
        return ["ctr", "--address", self.socket, "--namespace", "k8s.io"]

    @property
    def _state(self) -> Path:
        return self.socket.parent / "state"

    def start(self, daemons: Daemons) -> None:
        """Start it; images can be loaded when this returns."""
        for folder in (self.folder, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "containerd.toml"
        config.write_text(
            f'version = 2\nroot = "{self.root}"\nstate = "{self._state}"\n'
            f'grpc = {{ address = "{self.socket}" }}\n{self.settings}'
        )
        daemons.start(self.name, ["containerd", "--config", config])
        daemons.wait(self.name, self.answers)

    def answers(self) -> bool:
        return self.socket.exists() and succeeds([*self.ctr, "version"])

    def list(self, *words: str) -> list[str]:
        """Return the names that `ctr WORDS ls --quiet` prints."""
        return run([*self.ctr, *words, "ls", "--quiet"]).split()

    def snapshots(self) -> set[str]:
        """Return the layers that are unpacked, each with all below it, by chain id."""
        listed = run([*self.ctr, "snapshot", "ls"]).splitlines()[1:]
        return {line.split()[0] for line in listed}

    def remove_containers(self) -> None:
        """Kill and delete what runs; its kubelet must be gone, or it starts all anew."""
        if not self.answers():
            return
        for kind, remove in (("task", ["rm", "--force"]), ("container", ["rm"])):
            for name in self.list(kind):
                succeeds([*self.ctr, kind, *remove, name])

    def kill_shims(self) -> None:
        """Kill the processes that stand between it and its containers, and outlive it."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_text().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            if "containerd-shim" in words[0] and str(self.socket) in words:
                send(int(process.name), signal.SIGKILL)

    def forget_runs(self) -> None:
        """Clear what a reboot clears: containerd and all that it started must be dead."""
        for bundle in (self._state / "io.containerd.runtime.v2.task" / "k8s.io").glob("*"):
            shutil.rmtree(RUNS / bundle.name, ignore_errors=True)
            address = bundle / "address"
            if address.exists():
                Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)
        unmount_below(self.socket.parent)
        shutil.rmtree(self.socket.parent)
