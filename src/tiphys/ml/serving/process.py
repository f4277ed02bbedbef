"""The server on this machine: a detached process that outlives who started it.

Its folder, `.tiphys/serving` of the project, has `lock`, which the server holds as long as it
lives; `server.json`, which says where it listens; `server.log`; and the models it serves.
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import IO

from tiphys.errors import UserError
from tiphys.ml.serving import client
from tiphys.ml.storage import locate

START = timedelta(seconds=30)
"""A cold start reads ONNX Runtime from disk: seconds on a busy machine."""
GRACE = timedelta(seconds=10)
"""Between SIGTERM and SIGKILL; a server answers what it has begun."""
PROBE = timedelta(seconds=2)
"""How long a server tries for its lock: who asks whether one lives holds it for a moment."""
POLL = timedelta(milliseconds=20)


class ServerError(UserError):
    """The server did not start; the text has the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server that runs on this machine."""

    url: str
    model: str
    registry: str
    """The URL it follows."""
    pid: int
    identity: str
    """Of the process, beside its pid, which may belong to another one day."""
    log: Path
    version: str = ""
    """What serves now; "" before the first model is ready."""


def folder(project: Path) -> Path:
    """Return where the server of *project* keeps its files."""
    return project / ".tiphys" / "serving"


def start(
    registry: str, model: str, *, project: Path, host: str = "127.0.0.1", port: int = 0
) -> Endpoint:
    """Return the server of *project* that follows *model* in *registry*; start it if need be.

    One that runs already and follows another registry or model is stopped first. The server may
    not have a model yet when this returns.

    Args:
        registry: URL of the registry.
        model: its name there.
        project: the root of the project.
        host: the address to listen on.
        port: 0 takes any that is free.

    Raises: ServerError: it does not start.
    """
    registry = locate(registry)
    running = status(project)
    if running and (running.registry, running.model) == (registry, model):
        return running
    if running:
        stop(project)
    directory = folder(project).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    options = {"registry": registry, "model": model, "host": host, "port": port}
    argv = [f"--{name}={value}" for name, value in options.items()]
    pid = _spawn([*argv, f"--directory={directory}"], directory / "server.log")
    return _started(project, pid)


def status(project: Path) -> Endpoint | None:
    """Return the server of *project*, or None where none runs."""
    endpoint = _announced(folder(project))
    found = client.health(endpoint.url) if endpoint else None
    return replace(endpoint, version=found.version) if endpoint and found else endpoint


def stop(project: Path) -> bool:
    """Stop the server of *project*. Returns whether one ran; no other process is touched."""
    directory = folder(project)
    endpoint = _announced(directory)
    if endpoint is None or identity(endpoint.pid) != endpoint.identity:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(endpoint.pid, number)
        if _wait(lambda: _announced(directory) != endpoint, GRACE):
            break
    with suppress(ChildProcessError):  # where this very process had started it
        os.waitpid(endpoint.pid, 0)
    return True


def claim(directory: Path) -> IO[str] | None:
    """Return the lock of *directory*, held until it is closed; None where another has it."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory / "lock").open("a")
    if not _wait(lambda: _try(lock, fcntl.LOCK_EX), PROBE):
        lock.close()
        return None
    (directory / "server.json").unlink(missing_ok=True)
    return lock


def holds(directory: Path, lock: IO[str]) -> bool:
    """Return whether *lock* is still that of *directory*, which may have been removed."""
    try:
        return (directory / "lock").stat().st_ino == os.fstat(lock.fileno()).st_ino
    except FileNotFoundError:
        return False


def announce(directory: Path, endpoint: Endpoint) -> None:
    """Write where the server listens, whole at once. Only who has the claim may."""
    fresh = directory / "server.json.new"
    fresh.write_text(json.dumps({**asdict(endpoint), "log": str(endpoint.log)}))
    fresh.rename(directory / "server.json")


def identity(pid: int) -> str:
    """Return what tells process *pid* from a later one of that number: its start, in ticks.

    "" where the system does not say, or there is no such process.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]  # field 22 of proc(5); the name may hold blanks


def _spawn(arguments: list[str], log: Path) -> int:
    """Start the server in a session of its own, so that no signal of ours reaches it."""
    argv = [sys.executable, "-m", "tiphys.ml.serving", *arguments]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(argv[0], argv, os.environ, file_actions=actions, setsid=True)


def _started(project: Path, pid: int) -> Endpoint:
    """Return the server once it answers; *pid* is the one we started, another may be first."""
    end = time.monotonic() + START.total_seconds()
    while not (endpoint := status(project)) and not _ended(pid) and time.monotonic() < end:
        time.sleep(POLL.total_seconds())
    if endpoint := endpoint or status(project):
        if endpoint.pid != pid:
            _end(pid)  # else it would take over, unasked, when the other is stopped
        return endpoint
    _end(pid)
    log = folder(project) / "server.log"
    lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    raise ServerError(str(log), "the server did not start:\n" + "\n".join(lines))


def _end(pid: int) -> None:
    """End a child that serves nobody."""
    if not _ended(pid):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def _announced(directory: Path) -> Endpoint | None:
    """Return what the server that lives has written; None before it has bound its port."""
    if not _held(directory / "lock"):
        return None
    try:
        raw = json.loads((directory / "server.json").read_bytes())
    except FileNotFoundError:
        return None
    return Endpoint(**{**raw, "log": Path(raw["log"])})


def _held(lock: Path) -> bool:
    """Return whether a server lives; looking takes the lock for a moment, see `PROBE`."""
    try:
        with lock.open("a") as file:
            return not _try(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _try(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(done: Callable[[], bool], patience: timedelta) -> bool:
    end = time.monotonic() + patience.total_seconds()
    while not (finished := done()) and time.monotonic() < end:
        time.sleep(POLL.total_seconds())
    return finished
