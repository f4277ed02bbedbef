"""What Argo's UI and Prometheus are told of a pipeline: descriptions, forms, labels, metrics."""

import enum
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from tiphys.author import Count, Gauge, Parameter, Pipeline, pod, prose, template
from tiphys.author.faults import AuthoringError
from tiphys.manifest.profile import ArchiveSource, GitSource, Image, Profile, Storage, Tier
from tiphys.recipe import Recipe
from tiphys.step import Output


class Kind(enum.Enum):
    NEW = "new"
    OLD = "old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    good: bool
    """Whether it
    is good."""
    rows: int


def look(
    *,
    source: Path,
    kind: Kind,
    depth: Literal[1, 2] = 1,
    deep: bool = False,
    words: str = "",
    page: Annotated[Path, Output(view="html")],
) -> Found:
    """Look at things. As they are.

    Two lines
    of one paragraph.

    Args:
        source: the code
        kind: which ones;
            a second line
        words: "no" or
            "yes"
    Raises: WrongInput: nothing is there.
    """
    raise NotImplementedError


@pytest.fixture
def profile(tmp_path):
    return Profile(
        name="lab",
        folder=tmp_path,
        namespace="ml",
        built=True,
        images={"step": Image(image="registry.example/step@sha256:1", recipe=Recipe(lock=""))},
        tiers={"cpu": Tier(name="cpu", requests={"cpu": "1"})},
        gang="pod",
        source=ArchiveSource(),
        storage=Storage(artifacts="s3://a", registry="s3://r", checkpoints="s3://c", dvc="s3://d"),
    )


def make(profile: Profile, metrics=(), **said: Any) -> Pipeline:
    parameters = {
        "kind": Parameter(default="new", choices=("new", "old")),
        "deep": False,
        "words": Parameter(default="x", description="What to say."),
        "unused": 3,
    }
    pipeline = Pipeline(
        name="lab", profile=profile, title="Lab", owner="us", parameters=parameters, **said
    )
    looking = template(look, tier="cpu", metrics=metrics, display="look-{{inputs.parameters.kind}}")
    with pipeline.dag() as run:
        looking.step(source=run.source, kind=Kind.NEW, deep=run.deep, words=run.words)
    return pipeline


def workflow(profile: Profile, **said: Any) -> dict[str, Any]:
    return make(profile, **said).template().to_dict()


def leaf(profile: Profile, **said: Any) -> dict[str, Any]:
    templates = workflow(profile, **said)["spec"]["templates"]
    return next(one for one in templates if one["name"] == "look")


def test_a_docstring_is_a_title_a_text_and_words_on_each_argument():
    said = prose.read(look)

    assert said.title == "Look at things. As they are"
    assert said.text == "Two lines of one paragraph."
    assert said.arguments == {
        "source": "the code",
        "kind": "which ones; a second line",
        "words": '"no" or "yes"',
    }
    assert said.results == {"good": "Whether it is good."}


def test_a_template_is_described_in_markdown(profile):
    shown = leaf(profile)["annotations"]

    assert shown["workflows.argoproj.io/title"] == "Look at things. As they are"
    assert shown["workflows.argoproj.io/description"] == (
        "Two lines of one paragraph.\n\n**Takes**\n\n- `source`: the code\n"
        '- `kind`: which ones; a second line\n- `words`: "no" or "yes"\n\n'
        "**Gives**\n\n- `good`: Whether it is good."
    )
    assert shown["workflows.argoproj.io/display-name"] == "look-{{inputs.parameters.kind}}"


def test_a_function_without_a_docstring_is_called_by_its_name():
    def plain() -> None:
        pass

    assert prose.read(plain) == prose.Prose(title="plain")


def test_an_input_says_what_may_be_given(profile):
    inputs = {one["name"]: one for one in leaf(profile)["inputs"]["parameters"]}

    assert inputs["kind"] == {
        "name": "kind",
        "description": "Which ones; a second line",
        "enum": ["new", "old"],
    }
    assert inputs["deep"] == {"name": "deep", "default": "false", "enum": ["true", "false"]}
    assert inputs["depth"]["enum"] == ["1", "2"]
    assert inputs["words"] == {"name": "words", "default": "", "description": '"no" or "yes"'}


def test_the_submit_form_offers_choices_and_explains_in_the_words_of_the_step(profile):
    given = workflow(profile)["spec"]["arguments"]["parameters"]
    form = {one["name"]: one for one in given}

    assert form["kind"]["enum"] == ["new", "old"]
    assert form["deep"] == {"name": "deep", "value": "false", "enum": ["true", "false"]}
    assert form["words"]["description"] == "What to say."
    assert form["unused"] == {"name": "unused", "value": "3"}
    assert form["revision"]["description"].startswith("Branch, tag or commit")


def test_a_parameter_is_described_by_the_argument_it_is_for(profile):
    pipeline = Pipeline(
        name="lab", profile=profile, title="Lab", owner="us", parameters={"text": "x"}
    )
    with pipeline.dag() as run:
        template(look, tier="cpu").step(source=run.source, kind=Kind.NEW, words=run.text)

    parameters = pipeline.template().to_dict()["spec"]["arguments"]["parameters"]

    assert parameters[-1] == {"name": "text", "value": "x", "description": '"no" or "yes"'}


def test_a_default_that_is_no_choice_is_refused(profile):
    pipeline = Pipeline(
        name="lab",
        profile=profile,
        title="Lab",
        owner="us",
        parameters={"kind": Parameter(default="other", choices=("new", "old"))},
    )
    with pytest.raises(AuthoringError, match='kind: is "other" by default, but one of new, old'):
        pipeline.template()


def test_a_run_has_the_labels_of_its_pipeline_owner_and_revision(profile):
    made = workflow(profile)
    metadata = made["spec"]["workflowMetadata"]

    labels = {"tiphys.dev/pipeline": "lab", "tiphys.dev/owner": "us"}
    assert made["metadata"]["labels"] == metadata["labels"] == labels | pod.LABELS
    assert (
        "workflow.parameters.revision"
        in (metadata["labelsFrom"]["tiphys.dev/revision"]["expression"])
    )
    assert leaf(profile)["metadata"]["labels"] == {
        "tiphys.dev/pipeline": "lab",
        "tiphys.dev/step": "look",
    }


DESCRIPTION = "workflows.argoproj.io/description"


def test_a_pipeline_its_runs_and_its_schedules_link_to_the_code_and_what_the_profile_names(profile):
    source = GitSource(git="https://me@git.example.com/ml/flights.git")
    dashboard = {"Dashboard": "https://grafana.example/d/1?var-pipeline={pipeline}"}
    pipeline = make(replace(profile, source=source, links=dashboard), description="What it does.\n")

    made = pipeline.template().to_dict()

    shown = (
        "What it does.\n\n[Code](https://git.example.com/ml/flights) · "
        "[Dashboard](https://grafana.example/d/1?var-pipeline=lab)"
    )
    assert made["metadata"]["annotations"][DESCRIPTION] == shown
    assert made["spec"]["workflowMetadata"]["annotations"][DESCRIPTION] == shown
    cron = pipeline.cron("nightly", schedules=["0 3 * * *"]).to_dict()
    assert cron["metadata"]["annotations"][DESCRIPTION] == shown


def test_a_repository_that_is_not_on_the_web_is_no_link(profile):
    source = GitSource(git="git@git.example.com:ml/flights.git")

    made = workflow(replace(profile, source=source), description="What it does.")

    assert made["metadata"]["annotations"][DESCRIPTION] == "What it does."


def test_an_owner_that_is_no_label_is_an_annotation_only(profile):
    pipeline = Pipeline(name="lab", profile=profile, title="Lab", owner="us <us@example.org>")
    with pipeline.dag() as run:
        template(look, tier="cpu").step(source=run.source, kind=Kind.NEW)

    metadata = pipeline.template().to_dict()["metadata"]

    assert metadata["labels"] == {"tiphys.dev/pipeline": "lab", **pod.LABELS}
    assert metadata["annotations"]["tiphys.dev/owner"] == "us <us@example.org>"


def test_a_workflow_and_its_schedule_have_a_title_and_a_description(profile):
    pipeline = make(profile, description="\nIn *Markdown*.\n")

    plain = pipeline.template().to_dict()["metadata"]["annotations"]
    cron = pipeline.cron("night", schedules=["0 3 * * *"], title="At night")

    assert plain["workflows.argoproj.io/description"] == "In *Markdown*."
    shown = cron.to_dict()["metadata"]["annotations"]
    assert shown["workflows.argoproj.io/title"] == "At night"
    assert shown["workflows.argoproj.io/description"] == "In *Markdown*."


def test_every_step_tells_prometheus_how_long_it_took(profile):
    (metric,) = leaf(profile)["metrics"]["prometheus"]

    assert metric["name"] == "tiphys_step_duration_seconds"
    assert metric["histogram"]["value"] == "{{duration}}"
    assert {"key": "step", "value": "look"} in metric["labels"]


def test_a_logged_number_and_the_values_of_a_field_become_metrics(profile):
    wanted = [Gauge(name="auc", help="Area."), Count(field="good", help="Verdicts.")]

    _, gauge, count = leaf(profile, metrics=wanted)["metrics"]["prometheus"]

    assert gauge["name"] == "tiphys_auc"
    assert gauge["gauge"]["value"] == "{{=jsonpath(outputs.parameters.metrics, '$.auc')}}"
    assert count["name"] == "tiphys_good_total"
    assert count["labels"][-1] == {"key": "good", "value": "{{outputs.parameters.good}}"}


def test_a_count_of_a_field_without_end_is_refused(profile):
    with pytest.raises(AuthoringError, match="good"):
        leaf(profile, metrics=[Count(field="rows", help="Rows.")])


def test_a_run_tells_prometheus_how_it_ended(profile):
    runs, duration = workflow(profile)["spec"]["metrics"]["prometheus"]

    assert runs["name"] == "tiphys_runs_total"
    assert {"key": "status", "value": "{{workflow.status}}"} in runs["labels"]
    assert duration["histogram"]["value"] == "{{workflow.duration}}"
