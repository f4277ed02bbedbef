"""Every month, train on what has arrived since."""

from typing import Any

from tiphys.author import Profile
from workflows import training


def build(profile: Profile) -> list[Any]:
    """Return what `manifests/<cluster>/retraining.yaml` holds."""
    return [
        training.pipeline(profile).cron(
            "retraining",
            title="Retrain on the newest months",
            schedules=["0 3 2 * *"],
            timezone="America/New_York",
        )
    ]
