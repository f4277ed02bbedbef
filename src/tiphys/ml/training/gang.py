"""A gang of training workers: torchrun in this step's own pod or process, and how it ends.

torchrun restarts all workers when one dies, and they resume from the newest checkpoint. It exits
with 1 whatever happened, so the workers leave a mark when they saved and left on SIGTERM.
"""

import os
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

from tiphys.ml.training.job import Answer, Job
from tiphys.step import Preempted, Temporary

RESTARTS = 3
"""How often torchrun starts the workers again; then the step fails and its retry policy decides."""
STALL = timedelta(minutes=10)
"""Without a sign of life for so long the gang is killed: a lost peer can hang a collective."""
POLL = timedelta(milliseconds=100)
HEARTBEAT, PREEMPTED, DESCRIPTION = "heartbeat", "preempted", "job.json"
ENVIRONMENT = {
    # With a shared store, the surviving rank 0 does not publish its address again for the next
    # round: of 13 killed workers 8 led to a hang or to many restarts, without it none of 8.
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # deterministic matrix products on a GPU
    "GLOO_SOCKET_IFNAME": "lo",  # one machine: no name of it need resolve
    "OMP_NUM_THREADS": "1",  # the sums of several threads depend on how many there are
}


class GangFailedError(Exception):
    """The workers failed and restarting them did not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How torchrun ended."""

    exit_code: int
    told_to_go: bool
    stalled: bool


def train(job: Job) -> Answer:
    """Train with a gang of `job.workers` processes until all epochs are done.

    Raises:
        Preempted: SIGTERM came; what was saved can be resumed.
        Temporary: the gang showed no sign of life and was killed.
        GangFailedError: workers failed more often than they are restarted.
    """
    job.output.mkdir(parents=True, exist_ok=True)
    job.checkpoints.mkdir(parents=True, exist_ok=True)
    description = job.output / DESCRIPTION
    job.write(description)
    end = _watch(_command(job.workers, description), job.output / HEARTBEAT)
    if end.told_to_go:
        saved = (job.output / PREEMPTED).exists()
        did = "saved and left" if saved else "left before there was anything new to save"
        problem = f"The training was told to go: it {did}."
        raise Preempted(problem)
    if end.stalled:
        problem = f"The workers showed no sign of life for {STALL} and were killed."
        raise Temporary(problem)
    if end.exit_code:
        problem = f"The workers failed {RESTARTS + 1} times; their log says why."
        raise GangFailedError(problem)
    return Answer.read(job.output)


def _command(workers: int, description: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "tiphys.ml.training.agent", "--standalone"),
        *(f"--nproc-per-node={workers}", f"--max-restarts={RESTARTS}", "--local-addr=localhost"),
        *("--monitor-interval=0.1", "-m", "tiphys.ml.training.worker", str(description)),
    ]


def _watch(command: list[str], heartbeat: Path) -> _End:
    heartbeat.touch()
    process = subprocess.Popen(command, env=ENVIRONMENT | os.environ)
    told, stalled = False, False

    def go() -> None:
        nonlocal told
        told = True
        process.terminate()

    with _on_sigterm(go):
        while process.poll() is None:
            if silence(heartbeat) > STALL:
                stalled = True
                process.kill()
            time.sleep(POLL.total_seconds())
    return _End(exit_code=process.returncode, told_to_go=told, stalled=stalled)


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
