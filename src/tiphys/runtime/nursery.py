"""The nursery: one small warm process that starts every attempt of a run.

The driver names an attempt's folder, one line of JSON each; the nursery forks a *supervisor*, and
the supervisor forks the attempt's own process, waits for it and writes `exitcode`. The supervisor
has a session of its own and needs neither driver nor nursery, so both may die.

*Breath*: the FIFO `alive` in the attempt's folder is held open for writing by the supervisor
alone. Who opens it for reading sees "end of file" the moment the supervisor is gone, without
polling and without trusting process numbers. It is made aside and linked into place when open, and
linking fails where it exists: so of two nurseries only one can start an attempt.

Runs as a script with the driver's socket as standard input. Imports the standard library and
`tiphys.step` only, because what is imported here is copied with every fork. A forked function that
must go on as something else *returns* what it becomes, so that no frame of the nursery is left.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Become = Callable[[], int]
"""What a forked process goes on as; the result is its exit code."""

CANNOT_START = 64
"""The exit code of Argo's emissary when the command itself cannot be started."""

PENDING = " " * 15 + "\n"
"""What `exitcode.part` holds from the start, so that a full disk cannot lose an exit code."""


OUT_OF_MEMORY = "out_of_memory"
"""The file beside `exitcode` that says that the kernel killed for want of memory."""

CLEARING_SECONDS = 1.0
"""How long a control group may take to become empty once all in it has been killed."""


def main() -> None:
    """Serve the driver until it closes its end."""
    link = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    import tiphys.step.entry  # noqa: F401, PLC0415 -- warm for every step, and only in this process

    gc.freeze()
    become = serve(link)
    if become is None:
        os._exit(0)
    sys.exit(become())


def serve(link: socket.socket) -> Become | None:
    """Start what the driver asks for; in an attempt's own process, return what it becomes."""
    pending = b""
    while chunk := link.recv(65536):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            folder = Path(json.loads(line))
            try:
                supervisor, become = start(folder, link)
            except OSError as problem:
                reply: dict[str, Any] = {"folder": str(folder), "error": str(problem)}
            else:
                if become is not None:
                    return become
                reply = {"folder": str(folder), "supervisor": supervisor}
            with contextlib.suppress(OSError):
                link.sendall(json.dumps(reply).encode() + b"\n")
    return None


def start(folder: Path, link: socket.socket) -> tuple[int | None, Become | None]:
    """Fork the supervisor of the attempt in *folder*; no number when it has one already."""
    request = json.loads((folder / "request.json").read_bytes())
    breath = claim(folder)
    if breath is None:
        return None, None
    supervisor = os.fork()
    if supervisor == 0:
        os.setsid()
        link.close()
        try:
            return 0, supervise(folder, request, breath)
        except OSError as problem:  # a full disk, mostly: the attempt is lost, the nursery is not
            os.write(2, f"{folder}: {problem}\n".encode())
            os._exit(1)
    os.close(breath)
    return supervisor, None


def claim(folder: Path) -> int | None:
    """Return the open write end of a new `alive`, or None when the attempt has one."""
    aside = folder / f"alive.{os.getpid()}"
    os.mkfifo(aside, 0o600)
    try:
        breath = os.open(aside, os.O_RDWR | os.O_NONBLOCK)
        try:
            os.link(aside, folder / "alive")
        except FileExistsError:
            os.close(breath)
            return None
        return breath
    finally:
        aside.unlink()


def supervise(folder: Path, request: Mapping[str, Any], breath: int) -> Become:
    """See one attempt to its end and leave; return only in the attempt's own process.

    Its number is written before anything runs: what runs can always be asked to end.
    """
    (folder / "pid").write_text(str(os.getpid()))
    notice, wake = os.pipe()
    for end in (notice, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _noted)
    signal.signal(signal.SIGTERM, _noted)
    confine(request)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    reading, writing = os.pipe() if request["capture"] else (None, log)
    process = os.fork()
    if process == 0:
        signal.set_wakeup_fd(-1)
        for unwanted in filter(None, (breath, notice, wake, reading)):
            os.close(unwanted)
        return attempt(request, log, writing)
    with contextlib.suppress(OSError):
        os.setpgid(process, process)
        (folder / "process").write_text(str(process))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    tee = None
    if reading is not None:
        os.close(writing)
        os.set_blocking(reading, False)
        kept = os.open(folder / "stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        tee = (reading, (log, kept))
    status, usage = watch(process, notice, tee, request["grace_seconds"])
    _signal_group(process, signal.SIGKILL)
    release(folder, request)
    finish(folder, status, usage)
    os._exit(0)


def _noted(number: int, frame: object) -> None:
    """Let the wake-up descriptor tell `watch` of the signal."""


Tee = tuple[int, tuple[int, ...]]
"""The read end of a captured stdout, and the files it is copied to."""


def watch(
    process: int, notice: int, tee: Tee | None, grace_seconds: float
) -> tuple[int, resource.struct_rusage]:
    """Wait for *process*; SIGTERM asks it to end and kills it after the grace, a second at once."""
    kill_at: float | None = None
    while True:
        patience = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select([notice, *([tee[0]] if tee else [])], [], [], patience)
        if tee and tee[0] in ready and not _copy(tee):
            os.close(tee[0])
            tee = None
        if notice in ready and signal.SIGTERM in os.read(notice, 64):
            _signal_group(process, signal.SIGTERM)
            kill_at = time.monotonic() + (grace_seconds if kill_at is None else 0)
        if kill_at is not None and time.monotonic() >= kill_at:
            _signal_group(process, signal.SIGKILL)
            kill_at = None
        ended, status, usage = os.wait4(process, os.WNOHANG)
        if ended:
            while tee and _copy(tee):
                pass
            return status, usage


def _copy(tee: Tee) -> bool:
    """Copy what has come on; return whether there was any."""
    try:
        chunk = os.read(tee[0], 65536)
    except BlockingIOError:
        return False
    for file in tee[1]:
        with contextlib.suppress(OSError):
            os.write(file, chunk)
    return bool(chunk)


def _signal_group(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, number)


def confine(request: Mapping[str, Any]) -> None:
    """Make the control group that holds the attempt's memory to its limit, where there is one.

    Where it cannot be made any more the attempt runs without.
    """
    if memory := request.get("memory"):
        with contextlib.suppress(OSError):
            Path(memory["group"]).mkdir(exist_ok=True)
            for name, value in memory["values"]:
                with contextlib.suppress(OSError):  # there may be no swap to limit
                    (Path(memory["group"]) / name).write_text(value)


def join(request: Mapping[str, Any]) -> None:
    """Put this process, and so all it will start, into its control group."""
    if memory := request.get("memory"):
        with contextlib.suppress(OSError):
            (Path(memory["group"]) / "cgroup.procs").write_text("0")


def release(folder: Path, request: Mapping[str, Any]) -> None:
    """Note what the kernel killed, and take the control group away.

    What left the attempt's process group to live on, as a model server does, moves out of it.
    """
    if not (memory := request.get("memory")):
        return
    group = Path(memory["group"])
    with contextlib.suppress(OSError):
        for line in (group / memory["events"]).read_text().splitlines():
            if line.startswith("oom_kill ") and line.split()[1] != "0":
                (folder / OUT_OF_MEMORY).touch()
    home = Path(memory["home"]) / "cgroup.procs"
    clear(group, lambda process: home.write_text(str(process)))


def clear(group: Path, act: Callable[[int], object]) -> None:
    """Have *act* done to what is in *group* until it is empty, and remove it."""
    until = time.monotonic() + CLEARING_SECONDS
    while group.exists():
        with contextlib.suppress(OSError):
            for process in (group / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    act(int(process))
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        if time.monotonic() > until:
            return
        time.sleep(0.002)


def bury(folder: Path) -> None:
    """End what an attempt left running whose supervisor was killed, as a dead node would."""
    with contextlib.suppress(OSError, ValueError):
        process = int((folder / "process").read_text())
        if os.getsid(process) == int((folder / "pid").read_text()):  # else the number is another's
            _signal_group(process, signal.SIGKILL)
    with contextlib.suppress(OSError, ValueError):
        if memory := json.loads((folder / "request.json").read_bytes()).get("memory"):
            clear(Path(memory["group"]), lambda process: os.kill(process, signal.SIGKILL))


def finish(folder: Path, status: int, usage: resource.struct_rusage) -> None:
    """Write what became of the attempt, the exit code last."""
    unit = 1 if sys.platform == "darwin" else 1024
    used = {
        "peak_memory_bytes": usage.ru_maxrss * unit,
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
    }
    with contextlib.suppress(OSError):
        _write(folder / "usage.json", json.dumps(used))
    code = os.waitstatus_to_exitcode(status)
    text = str(code if code >= 0 else 128 - code).ljust(len(PENDING) - 1) + "\n"
    part = os.open(folder / "exitcode.part", os.O_WRONLY | os.O_CREAT, 0o644)
    os.pwrite(part, text.encode(), 0)
    os.close(part)
    (folder / "exitcode.part").rename(folder / "exitcode")


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text)
    part.rename(path)


def attempt(request: Mapping[str, Any], log: int, output: int) -> Become:
    """Turn this process into the attempt: its group, its signals, its files, its folder."""
    join(request)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # one that came early counts
    os.dup2(output, 1)
    os.dup2(log, 2)
    for unwanted in {log, output}:
        os.close(unwanted)
    try:
        os.chdir(request["cwd"])
        os.environ.update(request["env"])
        if request["step"] is not None:
            return lambda: run_step(request["step"])
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(request["argv"][0], request["argv"], os.environ)  # noqa: S606 -- the trade
    except OSError as problem:
        os.write(2, f"cannot start {request['argv'][0]}: {problem}\n".encode())
        os._exit(CANNOT_START)


def run_step(arguments: list[str]) -> int:
    """Do what `python -m tiphys.step …` does, in this interpreter."""
    from tiphys.step import entry  # noqa: PLC0415 -- imported by `main`, and here only a name

    sys.modules["__main__"] = entry
    sys.argv = [str(entry.__file__), *arguments]
    sys.path.insert(0, str(Path.cwd()))
    return entry.main(arguments)


if __name__ == "__main__":
    main()
