"""Every month, append what the airports have reported since to the data set.

The month is made, stored and committed in one step that one run at a time is in. Retraining comes a
day later and finds it. Where the source has nothing new, the run has succeeded and says so.
"""

from datetime import timedelta
from typing import Any

from components.publish import publish
from tiphys.author import Parameter, Pipeline, Profile, template
from tiphys.manifest.profile import GitSource

publishing = template(
    publish,
    role="data",
    tier="cpu-small",
    timeout=timedelta(minutes=30),
    mutex="publish-flights",
)


def pipeline(profile: Profile) -> Pipeline:
    """Return the pipeline, written for *profile*."""
    published = Pipeline(
        name="publishing",
        profile=profile,
        title="Flight delays: append the next month",
        description=__doc__,
        owner="flights",
        parameters={"branch": "main", **_where_to_push(profile)},
    )
    source = profile.source
    with published.dag() as run:
        publishing.step(
            repository=source.git if isinstance(source, GitSource) else run.repository,
            branch=run.branch,
            remote=profile.storage.dvc,
            run=run.name,
        )
    return published


def _where_to_push(profile: Profile) -> dict[str, Parameter]:
    """Return the parameter that names the repository, unless the profile does."""
    if isinstance(profile.source, GitSource):
        return {}
    said = "The repository to push to; on a laptop the `origin` of the project unless given."
    return {"repository": Parameter(default="", description=said)}


def build(profile: Profile) -> list[Any]:
    """Return what `manifests/<cluster>/publishing.yaml` holds."""
    month = pipeline(profile)
    if not isinstance(profile.source, GitSource):
        return [month.template()]  # nobody is there to say where to push
    schedule = month.cron(
        "publishing",
        title="Append what is new",
        schedules=["0 3 1 * *"],
        timezone="America/New_York",
    )
    return [month.template(), schedule]
