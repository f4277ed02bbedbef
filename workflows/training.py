"""Flight delays: from the newest data to a judged, released model."""

from datetime import timedelta
from typing import Any

from components.deploy import deploy
from components.evaluate import evaluate
from components.export import export
from components.fetch import fetch
from components.record import record
from components.resolve import resolve
from components.train import train
from components.validate import validate
from tiphys.author import Pipeline, Profile, retries, template

resolving = template(resolve, tier="cpu-small", timeout=timedelta(minutes=10))
fetching = template(fetch, tier="cpu-small", timeout=timedelta(minutes=30))
validating = template(validate, role="quality", tier="cpu-small", timeout=timedelta(minutes=30))
training = template(
    train,
    role="train",
    tier="gpu-1",
    gang="workers",
    retry=[retries.BAD_INPUT, retries.TEMPORARY, retries.PREEMPTED, retries.OUT_OF_MEMORY],
    timeout=timedelta(hours=4),
)
exporting = template(export, role="train", tier="cpu-large", timeout=timedelta(minutes=30))
evaluating = template(evaluate, role="serve", tier="cpu-small", timeout=timedelta(minutes=30))
deploying = template(deploy, tier="cpu-small", retry=[retries.NEVER], timeout=timedelta(minutes=15))
recording = template(record, tier="cpu-small", timeout=timedelta(minutes=10))


def pipeline(profile: Profile) -> Pipeline:
    """Return the pipeline, written for *profile*."""
    training_run = Pipeline(
        name="training",
        profile=profile,
        title="Flight delays: train, judge, release",
        owner="flights",
        parameters={"holdout": "latest", "workers": 2},
    )
    storage = profile.storage
    with training_run.dag() as run:
        newest = resolving.step(source=run.source, revision=run.revision, holdout=run.holdout)
        run.code = newest.code
        data = fetching.step(dataset=newest.dataset, remote=storage.dvc)
        checked = validating.step(data=data.directory)
        model = training.step(
            data=data.directory,
            months=newest.months,
            checkpoints=f"{storage.checkpoints}/{run.name}/train",
            workers=run.workers,
            after=checked,
        )
        packed = exporting.step(checkpoint=model.checkpoint, data=data.directory)
        judged = evaluating.step(
            challenger=packed.model,
            data=data.directory,
            dataset=newest.dataset,
            holdout=newest.holdout,
            registry=storage.registry,
        )
        deploying.step(
            model=packed.model,
            decision=judged.decision,
            dataset=newest.dataset,
            registry=storage.registry,
            target=profile.target,
            serve_image=profile.image("serve"),
            when=judged.passed,
        )
    with training_run.on_exit() as end:
        recording.step(
            source=end.source,
            registry=storage.registry,
            workflow=end.name,
            status=end.status,
            failures=end.failures,
            revision=end.revision,
            decision=judged.decision,
        )
    return training_run


def build(profile: Profile) -> list[Any]:
    """Return what `manifests/<cluster>/training.yaml` holds."""
    return [pipeline(profile).template()]
