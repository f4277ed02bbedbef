"""One pipeline a failure, with the policies that every step has and those of training."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from components import mishaps
from tiphys.author import Pipeline, Profile, StepTemplate, retries, template

MISREADING = template(mishaps.misread, tier="cpu")
WAITING = template(mishaps.wait_for_remote, tier="cpu")
REMEMBERING = template(mishaps.remember, tier="cpu", retry=retries.TRAINING)
FILLING = template(mishaps.fill, tier="cpu")
COMPUTING = template(mishaps.compute, tier="gpu", retry=retries.TRAINING)
HANGING = template(mishaps.hang, tier="cpu", timeout=timedelta(seconds=8))
COUNTING = template(
    mishaps.count, tier="spot", retry=[replace(retries.PREEMPTED, attempts=1), retries.BAD_INPUT]
)
LINGERING = template(mishaps.linger, tier="gpu")
BEGINNING = template(mishaps.begin, tier="cpu")


def build(profile: Profile) -> list[Any]:
    """Return what `manifests/<cluster>/failures.yaml` holds."""
    made = [
        _pipeline(profile, "bad-input", MISREADING, month="2013-13"),
        _pipeline(profile, "temporary", WAITING),
        _pipeline(profile, "out-of-memory", REMEMBERING, mebibytes=250),
        _pipeline(profile, "out-of-memory-twice", REMEMBERING, mebibytes=1000),
        _pipeline(profile, "full-disk", FILLING, mebibytes=300),
        _pipeline(profile, "bad-device", COMPUTING),
        _pipeline(profile, "hanging", HANGING),
        _pipeline(profile, "preempted", COUNTING),
        _pipeline(profile, "lost-node", LINGERING),
        _pipeline(profile, "rebooted", LINGERING),
        _pipeline(profile, "not-started", MISREADING, month="2013-13"),
        _pipeline(profile, "refused", BEGINNING),
    ]
    return [pipeline.template() for pipeline in made]


def _pipeline(profile: Profile, name: str, step: StepTemplate, **given: object) -> Pipeline:
    pipeline = Pipeline(
        name=f"failure-{name}", profile=profile, title=f"Failure: {name}", owner="test-failures"
    )
    with pipeline.dag() as run:
        if "checkpoints" in {argument.name for argument in step.takes}:
            given["checkpoints"] = f"{profile.storage.checkpoints}/{run.name}"
        step.step(**given)
    return pipeline
