"""Where a training is carried out: on this node, or on the several of the step's tier.

`TIPHYS_GANG` holds what a profile says of such a tier. Without it, and where it is `local`, as on
a laptop, torchrun runs here: the step is the same.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from tiphys.ml.training import jobset
from tiphys.ml.training.outcome import Answer
from tiphys.ml.training.request import Request

HERE = "local"


def train(request: Request, checkpoint: Path, environ: Mapping[str, str] = os.environ) -> Answer:
    """Train until all epochs are done and write the directory *checkpoint*.

    Raises: what `fitting.fit` or `launcher.launch` raises.
    """
    if environ.get(jobset.VARIABLE, HERE) == HERE:
        from tiphys.ml.training import fitting  # noqa: PLC0415 - numpy: the launcher's image has none

        return fitting.fit(request, checkpoint)
    from tiphys.ml.training import launcher  # noqa: PLC0415 - a laptop has no cluster
    from tiphys.ml.training.api import PodCluster  # noqa: PLC0415 - as above

    gang = jobset.Gang.read(environ)
    return launcher.launch(request, gang, PodCluster.here(), checkpoint)
