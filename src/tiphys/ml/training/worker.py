"""One worker of a gang: `python -m tiphys.ml.training.worker JOB`, started by torchrun only.

All workers hold all rows; at each step a worker takes its share of the batch, and the gradients
are averaged. Order of rows and learning rate follow from the number of the step, so a training
that was interrupted ends with the same weights as one that was not. After each step the workers
add up their losses and their wishes to stop: they save and leave at the same step.
"""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Never

import torch
import torch.distributed as dist

from tiphys.ml.training import gang, lifeline, mark
from tiphys.ml.training.job import Job
from tiphys.ml.training.trainer import Trainer

TIMEOUT = timedelta(minutes=2)
"""For the gang to assemble and for one collective; the default of 30 minutes is a silent hang."""


def main() -> Trainer:
    """Train until the end, or until told to stop; return what must not be destroyed."""
    lifeline.tie()
    stop = _StopSign()
    signal.signal(signal.SIGTERM, stop.show)
    job = Job.read(Path(sys.argv[1]))
    for sign in (gang.HEARTBEAT, gang.JOINED):  # from the second on, the first must be fresh
        (job.output / sign).touch()
    with blaming(job.output), _gang() as device:
        _be_deterministic(job.settings.seed)
        trainer = Trainer(job, device)
        if not trainer.run(stop.shown) and trainer.leads_here:
            (job.output / gang.PREEMPTED).touch()
        return trainer


@contextmanager
def blaming(output: Path) -> Iterator[None]:
    """Leave word of how this worker failed."""
    try:
        yield
    except Exception as error:
        mark.leave(output, error)
        raise


class _StopSign:
    """Set by SIGTERM, seen at the end of a step."""

    def __init__(self) -> None:
        self._is_up = False

    def show(self, *_signal: object) -> None:
        self._is_up = True

    def shown(self) -> bool:
        return self._is_up


@contextmanager
def _gang() -> Iterator[torch.device]:
    """Join the other workers; yields the device that is this worker's own."""
    local, workers = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    if torch.cuda.is_available() and torch.cuda.device_count() >= workers:
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", timeout=TIMEOUT, device_id=device)
    else:
        device = torch.device("cpu")
        dist.init_process_group("gloo", timeout=TIMEOUT)
    try:
        yield device
    finally:
        dist.destroy_process_group()


def _be_deterministic(seed: int) -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(seed)


def leave() -> Never:
    """Run `main` and end, without destroying the trainer.

    Gloo's destructor waits, holding the GIL, for a thread that may be waiting for the GIL: such a
    worker has done its work and never ends.
    """
    try:
        trainer = main()  # noqa: F841 - kept until there is no process any more
    except Exception:  # noqa: BLE001 - torchrun reads the exit code, people read this text
        traceback.print_exc()  # the traceback keeps it
        _end(1)
    _end(0)


def _end(code: int) -> Never:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave()
