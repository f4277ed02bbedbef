"""Flight delays: from the newest data to a judged, released model.

The network is trained on a window of months and judged on the month after it, beside the champion.
A model that does not pass the gate is not released: that is a result, and the run has succeeded.
"""

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
from tiphys.author import (
    Count,
    Gauge,
    Parameter,
    Pipeline,
    Profile,
    StepTemplate,
    access,
    retries,
    template,
)

resolving = template(resolve, tier="cpu-small", timeout=timedelta(minutes=10))
fetching = template(fetch, tier="cpu-small", timeout=timedelta(minutes=30))
validating = template(validate, role="quality", tier="cpu-small", timeout=timedelta(minutes=30))
training = template(
    train,
    role="train",
    tier="gpu-1",
    gang="workers",
    retry=retries.TRAINING,
    timeout=timedelta(hours=4),
)
exporting = template(export, role="train", tier="cpu-large", timeout=timedelta(minutes=30))
evaluating = template(
    evaluate,
    role="serve",
    tier="cpu-small",
    timeout=timedelta(minutes=30),
    metrics=[
        Gauge(name="roc_auc", help="Area under the ROC curve of the newest challenger."),
        Gauge(name="log_loss", help="Mean log loss of the newest challenger."),
        Count(field="verdict", help="Verdicts of the gate."),
    ],
)
deploying = template(
    deploy,
    tier="cpu-small",
    retry=[retries.NEVER],
    access=access.serving("serve-flights"),
    timeout=timedelta(minutes=15),
)
recording = template(
    record,
    tier="cpu-small",
    timeout=timedelta(minutes=10),
    display="record-{{inputs.parameters.status}}",
)


def pipeline(
    profile: Profile,
    train_on: StepTemplate = training,
    *,
    name: str = "training",
    description: str = __doc__,
) -> Pipeline:
    """Return the pipeline, written for *profile*; *train_on* is where it trains."""
    training_run = Pipeline(
        name=name,
        profile=profile,
        title="Flight delays: train, judge, release",
        description=description,
        owner="flights",
        parameters={
            "holdout": "latest",
            "workers": 2,
            "release": Parameter(default=True, description="Deploy a model that passes the gate."),
        },
    )
    storage = profile.storage
    with training_run.dag() as run:
        newest = resolving.step(
            source=run.source,
            revision=run.revision,
            holdout=run.holdout,
            created=run.created,
            images=profile.tags,
        )
        run.code = newest.code
        data = fetching.step(dataset=newest.dataset, remote=storage.dvc)
        checked = validating.step(data=data.directory)
        model = train_on.step(
            dataset=newest.dataset,
            remote=storage.dvc,
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
            order=newest.order,
            when=f"{judged.passed} == true && {run.release} == true",
        )
    with training_run.on_exit() as end:
        recording.step(
            source=end.source,
            registry=storage.registry,
            workflow=end.name,
            status=end.status,
            failures=end.failures,
            revision=end.revision,
            commit=newest.revision,
            code_hash=newest.code_hash,
            pin=newest.dataset,
            decision=judged.decision,
        )
    return training_run


def build(profile: Profile) -> list[Any]:
    """Return what `manifests/<cluster>/training.yaml` holds."""
    return [pipeline(profile).template()]
