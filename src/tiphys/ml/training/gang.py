"""The workers of one node: torchrun below this process, and how it ends.

On a node alone torchrun restarts all workers when one dies, and they resume from the newest
checkpoint. On one of several it does not: whoever started the nodes starts them all again, and
where they find each other is in `PET_*`, torchrun's own variables. It exits with 1 whatever
happened, so the workers leave marks: when they have started, when they saved and left on SIGTERM,
and when they know how they failed.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tiphys.ml.training import mark
from tiphys.ml.training.job import Job
from tiphys.ml.training.outcome import GangFailedError
from tiphys.step import OutOfMemory, Preempted, Temporary

RESTARTS = 3
"""How often torchrun starts the workers again; then the step fails and its retry policy decides."""
STALL = timedelta(minutes=10)
"""Without a sign of life for so long the gang is killed: a lost peer can hang a collective."""
JOINING = timedelta(minutes=20)
"""How long a node waits for the others, and up to a quarter longer: a machine may have to be made
there and an image be pulled. Then all let go, so that nobody holds a node for ever for want of
another. By chance, because two gangs that hold one node each must not let go at the same time, or
they would take them again at the same time."""
POLL = timedelta(milliseconds=100)
LEAVING = timedelta(seconds=10)
"""How long torchrun may take once its workers have saved and left. Where it waits for a node that
has gone it does so for minutes, deaf to SIGTERM."""
OWN_CGROUP = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)
"""Where a pod sees what its own limit did to it, in the second and in the first version."""
HEARTBEAT, PREEMPTED, DESCRIPTION = "heartbeat", "preempted", "job.json"
JOINED = "joined"
"""What a worker leaves as it starts, which torchrun has it do once all nodes are there."""
ENVIRONMENT = {
    # With a shared store, the surviving rank 0 does not publish its address again for the next
    # round: of 13 killed workers 8 led to a hang or to many restarts, without it none of 8.
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    # After SIGTERM torchrun kills its workers; 30 seconds may not do for a step and a checkpoint.
    "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "110",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # deterministic matrix products on a GPU
    "GLOO_SOCKET_IFNAME": "lo",  # one machine: no name of it need resolve
    "OMP_NUM_THREADS": "1",  # the sums of several threads depend on how many there are
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How torchrun ended."""

    exit_code: int
    told_to_go: bool
    stalled: bool


def train(job: Job) -> None:
    """Train with the workers of this node until all epochs are done.

    Raises:
        Preempted: SIGTERM came, here or to another node; what was saved can be resumed.
        Temporary: not all nodes came, or the workers showed no sign of life; they were killed.
        OutOfMemory: the kernel killed one.
        WrongInput, Temporary, BadDevice: so said a worker.
        GangFailedError: workers failed more often than they are restarted.
    """
    job.output.mkdir(parents=True, exist_ok=True)
    job.checkpoints.mkdir(parents=True, exist_ok=True)
    description = job.output / DESCRIPTION
    job.write(description)
    killed = _killed_for_memory()
    joining = JOINING * random.uniform(1, 1.25)  # noqa: S311 - no secret
    end = _watch(_command(job, description), job.output, STALL if job.nodes == 1 else joining)
    if mark.read(job.output) is None:
        _check_going(end, job)
    if end.exit_code:
        blame(job, killed_for_memory=_killed_for_memory() > killed)


def _check_going(end: _End, job: Job) -> None:
    """Raise where torchrun was made to go, by whomever."""
    saved = (job.output / PREEMPTED).exists()
    if end.told_to_go or saved:
        did = "saved and left" if saved else "left before there was anything new to save"
        problem = f"The training was told to go: it {did}."
        raise Preempted(problem)
    if end.stalled and job.nodes > 1 and not (job.output / JOINED).exists():
        problem = f"Not all {job.nodes} nodes came within {JOINING}."
        raise Temporary(problem)
    if end.stalled:
        problem = f"The workers showed no sign of life for {STALL} and were killed."
        raise Temporary(problem)


def blame(job: Job, *, killed_for_memory: bool) -> NoReturn:
    """Raise what made the workers fail."""
    if killed_for_memory:
        problem = "A worker was killed by the kernel: out of memory."
        raise OutOfMemory(problem)
    if said := mark.read(job.output):
        raise said
    times = "" if job.nodes > 1 else f" {RESTARTS + 1} times"
    problem = f"The workers failed{times}; their log says why."
    raise GangFailedError(problem)


def _command(job: Job, description: Path) -> list[str]:
    alone = ["--standalone", f"--max-restarts={RESTARTS}", "--local-addr=localhost"]
    longer = int(2 * JOINING.total_seconds())  # it is we who end the waiting
    together = ["--max-restarts=0", f"--rdzv-conf=timeout={longer}"]
    return [
        *(sys.executable, "-m", "tiphys.ml.training.agent", f"--nproc-per-node={job.workers}"),
        *(alone if job.nodes == 1 else together),
        *("--monitor-interval=0.1", "-m", "tiphys.ml.training.worker", str(description)),
    ]


def _watch(command: list[str], output: Path, joining: timedelta) -> _End:
    """Run torchrun until it ends; the workers may be silent for *joining* before they start."""
    heartbeat, joined = output / HEARTBEAT, output / JOINED
    last_words = (output / PREEMPTED, output / mark.NAME)
    heartbeat.touch()
    process = subprocess.Popen(command, env=ENVIRONMENT | os.environ)
    told, stalled = False, False
    left: float | None = None

    def go() -> None:
        nonlocal told
        told = True
        process.terminate()

    with _on_sigterm(go):
        while process.poll() is None:
            patience = STALL if joined.exists() else joining
            if silence(heartbeat) > patience:
                stalled = True
                process.kill()
            # else torchrun waits here for a node that has left, or starts the workers again
            if any(word.exists() for word in last_words):
                left = left or time.monotonic()
                deaf = time.monotonic() - left > LEAVING.total_seconds()
                process.send_signal(signal.SIGKILL if deaf else signal.SIGTERM)
            time.sleep(POLL.total_seconds())
    return _End(exit_code=process.returncode, told_to_go=told, stalled=stalled)


def _killed_for_memory() -> int:
    """Return how many processes of this pod the kernel has killed for want of memory.

    torchrun exits with 1 then, and where the kernel kills one process only, so does the step.
    """
    for events in OWN_CGROUP:
        if events.exists():
            lines = [line.split() for line in events.read_text().splitlines()]
            return next((int(line[1]) for line in lines if line[0] == "oom_kill"), 0)
    return 0


def silence(heartbeat: Path) -> timedelta:
    """Return how long the workers have given no sign of life."""
    seconds = time.clock_gettime(time.CLOCK_REALTIME) - heartbeat.stat().st_mtime
    return timedelta(seconds=seconds)


@contextmanager
def _on_sigterm(action: Callable[[], None]) -> Iterator[None]:
    def handler(_number: int, _frame: FrameType | None) -> None:
        action()

    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
