"""What each pod of a gang runs: a step like any other, whose one argument is the request.

`python -m tiphys.step tiphys.ml.training.node:work --request=…`, so that it fails as a step fails:
with an exit code that says how and a termination message that says why.
"""

import os
import tempfile
from pathlib import Path

from tiphys.ml.training import fitting, outcome
from tiphys.ml.training.request import Request


def work(*, request: Request) -> None:
    """Do one node's part; the first node copies what was made to the place of the checkpoints."""
    if os.environ["PET_NODE_RANK"] != "0":
        fitting.assist(request)
        return
    with tempfile.TemporaryDirectory(prefix="trained-") as folder:
        checkpoint = Path(folder) / "checkpoint"
        fitting.fit(request, checkpoint)
        outcome.publish(checkpoint, request.place)
