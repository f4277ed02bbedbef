"""Flight delays, trained on several nodes: otherwise the same line.

On a cluster the step `train` makes a gang of pods there and speaks for it. On a laptop the same
file trains with as many processes.
"""

from datetime import timedelta
from typing import Any

from components.train import train
from tiphys.author import Profile, retries, template
from workflows import training

gang_training = template(
    train,
    role="train",
    tier="multi-node",
    gang="workers",
    retry=retries.TRAINING,
    timeout=timedelta(hours=4),
)


def build(profile: Profile) -> list[Any]:
    """Return what `manifests/<cluster>/distributed.yaml` holds."""
    pipeline = training.pipeline(
        profile, gang_training, name="distributed", description=__doc__ or ""
    )
    return [pipeline.template()]
