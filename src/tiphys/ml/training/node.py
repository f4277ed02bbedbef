"""What each pod of a gang runs: a step like any other, whose one argument is the request.

`python -m tiphys.step tiphys.ml.training.node:work --request=…`, so that it fails as a step fails:
with an exit code that says how and a termination message that says why.
"""

import os
import signal
import tempfile
from pathlib import Path

from tiphys.ml.training import fitting, outcome
from tiphys.ml.training.request import Request
from tiphys.step import Preempted


def work(*, request: Request) -> None:
    """Do one node's part; the first node copies what was made to the place of the checkpoints."""
    signal.signal(signal.SIGTERM, _leave)
    if os.environ["PET_NODE_RANK"] != "0":
        fitting.assist(request)
        return
    with tempfile.TemporaryDirectory(prefix="trained-") as folder:
        checkpoint = Path(folder) / "checkpoint"
        fitting.fit(request, checkpoint)
        outcome.publish(checkpoint, request.place)


def _leave(*_signal: object) -> None:
    """Go at once. The kernel gives the first process of a container no default for SIGTERM."""
    problem = "The node was told to go before its workers had started."
    raise Preempted(problem)
