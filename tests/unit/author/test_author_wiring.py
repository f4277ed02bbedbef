# ruff: noqa: ARG001 -- what is wrong in each call is one argument; the others stay
"""Calls of steps: what flows where, and what is said when it cannot."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hera.workflows import Container, models
from hera.workflows import Parameter as HeraParameter

from tiphys.author import Pipeline, template
from tiphys.author.faults import AuthoringError, UnknownReferenceError
from tiphys.manifest.profile import ArchiveSource, Profile, Storage, Tier
from tiphys.step import Output


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    rows: int
    share: float
    months: list[str]
    good: bool
    verdict: Literal["pass", "fail"]


def cut(
    *, source: Path, rows: int = 3, code: Annotated[Path, Output()], part: Annotated[Path, Output()]
) -> Cut:
    """Cut the data."""
    raise NotImplementedError


def fit(
    *,
    part: Path,
    months: list[str],
    share: float,
    note: str = "",
    old: Path | None = None,
    model: Annotated[Path, Output()],
) -> None:
    """Fit a model."""


def gang(*, workers: int = 2) -> None:
    """Work together."""


def judge(*, model: Path, strict: bool = True) -> Cut:
    """Judge a model."""
    raise NotImplementedError


def record(*, status: str, decision: Path | None = None, needed: Path | None = None) -> None:
    """Record a run."""


def demand(*, decision: Path) -> None:
    """Demand a decision."""


cutting, fitting, judging = (template(f, tier="small") for f in (cut, fit, judge))


@pytest.fixture
def pipeline(tmp_path):
    profile = Profile(
        name="lab",
        folder=tmp_path,
        namespace="ml",
        built=False,
        images={},
        tiers={"small": Tier(name="small", requests={"cpu": "1"}, capacity=4)},
        gang="pod",
        source=ArchiveSource(),
        storage=Storage(artifacts="a", registry="r", checkpoints="c", dvc="d"),
    )
    return Pipeline(
        name="lab", profile=profile, title="Lab", owner="us", parameters={"rows": 3, "word": "x"}
    )


def tasks(pipeline) -> dict[str, models.DAGTask]:
    found = {t.name: t for t in pipeline.template().build().spec.templates}
    return {task.name: task for task in found["main"].dag.tasks}


def exit_step(pipeline) -> models.WorkflowStep:
    found = {t.name: t for t in pipeline.template().build().spec.templates}
    return found["exit"].steps[0].root[0]


def arguments(task) -> dict[str, str]:
    return {a.name: a.value for a in task.arguments.parameters or []} | {
        a.name: a.from_ for a in task.arguments.artifacts or []
    }


def fitted(parts, **more):
    return fitting.step(part=parts.part, months=parts.months, share=parts.rows, **more)


def test_an_argument_that_is_an_output_becomes_its_tag(pipeline):
    with pipeline.dag() as run:
        fitted(cutting.step(source=run.source), note="hello")

    assert arguments(tasks(pipeline)["fit"]) == {
        "months": "{{tasks.cut.outputs.parameters.months}}",
        "share": "{{tasks.cut.outputs.parameters.rows}}",
        "note": "hello",
        "part": "{{tasks.cut.outputs.artifacts.part}}",
    }


def test_a_constant_becomes_the_text_that_the_step_reads(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source, rows=5)
        fitting.step(part=parts.part, months=["2013-01"], share=0.5)

    assert arguments(tasks(pipeline)["cut"]) == {"rows": "5"}
    assert arguments(tasks(pipeline)["fit"])["months"] == '["2013-01"]'


def test_a_parameter_of_the_workflow_becomes_its_tag(pipeline):
    with pipeline.dag() as run:
        cutting.step(source=run.source, rows=run.rows)

    assert arguments(tasks(pipeline)["cut"]) == {"rows": "{{workflow.parameters.rows}}"}


def test_a_value_inside_a_text_still_makes_the_step_wait(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        judging.named("first").step(model=parts.part)
        fitting.step(part=parts.part, months=[], share=1.0, note=f"{run.name}/{parts.rows}")

    assert arguments(tasks(pipeline)["fit"])["note"] == (
        "{{workflow.name}}/{{tasks.cut.outputs.parameters.rows}}"
    )
    assert tasks(pipeline)["fit"].depends == "cut"


def test_steps_wait_for_what_they_use_and_not_twice(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        model = fitted(parts)
        judging.step(model=model.model, strict=parts.good)  # `cut` comes before `fit` anyway

    assert [task.depends for task in tasks(pipeline).values()] == [None, "cut", "fit"]


def test_after_makes_a_step_wait_for_what_it_does_not_use(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        first, second = (judging.named(name).step(model=parts.part) for name in ("one", "two"))
        fitted(parts, after=[first, second])

    assert tasks(pipeline)["fit"].depends == "one && two"


def test_when_takes_a_boolean_output_and_waits_for_it(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        fitted(parts, when=parts.good)

    task = tasks(pipeline)["fit"]
    assert (task.when, task.depends) == ("{{tasks.cut.outputs.parameters.good}} == true", "cut")


def test_when_takes_a_condition_in_argos_words(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        judging.step(model=parts.part, when="'{{tasks.cut.outputs.parameters.verdict}}' == 'pass'")

    assert tasks(pipeline)["judge"].depends == "cut"


def test_code_that_a_step_made_is_what_later_steps_run(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        run.code = parts.code
        judging.step(model=parts.part)

    assert arguments(tasks(pipeline)["judge"])["code"] == "{{tasks.cut.outputs.artifacts.code}}"


def test_a_step_of_the_exit_handler_gets_artifacts_by_their_global_name(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
    with pipeline.on_exit() as end:
        template(record, tier="small").step(status=end.status, decision=parts.part)

    artifact = exit_step(pipeline).arguments.artifacts[0]
    assert (artifact.from_, artifact.optional) == ("{{workflow.outputs.artifacts.part}}", True)
    cut_template = pipeline.template().build().spec.templates[2]
    assert [a.global_name for a in cut_template.outputs.artifacts] == [None, "part"]
    assert pipeline.template().build().spec.on_exit == "exit"


def test_a_container_of_somebody_else_is_called_like_any_step(pipeline):
    cowsay = pipeline.add(
        Container(
            name="cowsay",
            image="argosay",
            args=["{{inputs.parameters.words}}"],
            inputs=[HeraParameter(name="words"), HeraParameter(name="mood", default="calm")],
        )
    )
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        said = cowsay.step(words=run.word, after=parts)
        judging.step(model=parts.part, when=f"{said.result} != moo")

    assert arguments(tasks(pipeline)["cowsay"]) == {"words": "{{workflow.parameters.word}}"}
    assert tasks(pipeline)["judge"].depends == "cowsay"
    assert pipeline.template().build().spec.templates[2].container.image == "argosay"


def test_artifacts_of_somebody_elses_container_are_wired_too(pipeline):
    convert = pipeline.add(
        models.Template(
            name="convert",
            inputs=models.Inputs(artifacts=[models.Artifact(name="raw", path="/raw")]),
            outputs=models.Outputs(
                artifacts=[models.Artifact(name="cooked", path="/cooked")],
                parameters=[models.Parameter(name="size")],
            ),
        )
    )
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        done = convert.named("cook").step(raw=parts.part)
        fitting.step(part=done.cooked, months=[], share=1.0, note=done.size)

    assert arguments(tasks(pipeline)["cook"]) == {"raw": "{{tasks.cut.outputs.artifacts.part}}"}
    assert arguments(tasks(pipeline)["fit"])["part"] == "{{tasks.cook.outputs.artifacts.cooked}}"
    assert arguments(tasks(pipeline)["fit"])["note"] == "{{tasks.cook.outputs.parameters.size}}"


def test_a_container_without_a_name_cannot_be_called(pipeline):
    with pytest.raises(AuthoringError, match=r"Template: has no name\. Give it one\."):
        pipeline.add(models.Template())


def wrong_type(run, parts):
    cutting.named("again").step(source=run.source, rows=run.word)


def an_artifact_for_a_parameter(run, parts):
    fitting.step(part=parts.part, months=parts.part, share=1.0)


def a_parameter_for_an_artifact(run, parts):
    fitting.step(part=parts.rows, months=[], share=1.0)


def a_path_for_an_artifact(run, parts):
    judging.step(model=Path("model"))


def a_constant_of_the_wrong_type(run, parts):
    fitting.step(part=parts.part, months=["a", 1], share=1.0)


def a_missing_argument(run, parts):
    fitting.step(part=parts.part, share=1.0)


def an_unknown_argument(run, parts):
    judging.step(modell=parts.part)


def an_unknown_output(run, parts):
    judging.step(model=parts.prat)


def an_unknown_parameter(run, parts):
    cutting.named("again").step(source=run.source, rows=run.row)


def a_second_call(run, parts):
    cutting.step(source=run.source)


def a_condition_that_is_no_boolean(run, parts):
    judging.step(model=parts.part, when=parts.rows)


def code_that_is_no_artifact(run, parts):
    run.code = "components"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (wrong_type, "again.rows: gets the workflow's word, text, but takes a whole number."),
        (
            an_artifact_for_a_parameter,
            "fit.months: gets cut.part, an artifact, but takes a list of: text.",
        ),
        (
            a_parameter_for_an_artifact,
            "fit.part: gets cut.rows, a whole number, but takes an artifact: the output of a step",
        ),
        (a_path_for_an_artifact, "judge.model: gets PosixPath('model'), but takes an artifact"),
        (a_constant_of_the_wrong_type, "fit.months: gets 1 (int), but takes a list of: text."),
        (
            a_missing_argument,
            'fit: is not given its parameter "months". Add `months=…`: a list of: text.',
        ),
        (an_unknown_argument, 'judge: has no argument "modell". Did you mean "model"?'),
        (an_unknown_output, 'cut: has no output "prat". Did you mean "part"?'),
        (an_unknown_parameter, 'workflow: has no parameter "row". Did you mean "rows"?'),
        (a_second_call, 'cut: is called twice. Give this task a name: `.named("…").step(…)`.'),
        (a_condition_that_is_no_boolean, "judge.when: is cut.rows, a whole number."),
        (code_that_is_no_artifact, "run.code: is set to something else."),
    ],
)
def test_a_wrong_call_is_told_with_the_line_where_it_stands(pipeline, write, message):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)
        with pytest.raises(AuthoringError) as caught:
            write(run, parts)

    line = write.__code__.co_firstlineno + 1
    assert str(caught.value).startswith(f"{__file__}:{line}: {message}")


def test_a_call_outside_a_pipeline_is_refused():
    with pytest.raises(AuthoringError, match=r"judge\.step: stands outside a pipeline"):
        judging.step()


def test_a_pipeline_inside_another_is_refused(pipeline):
    with (
        pipeline.dag(),
        pytest.raises(AuthoringError, match="is opened in another"),
        pipeline.on_exit(),
    ):
        pass


def test_the_exit_handler_cannot_need_what_a_failed_run_may_not_have(pipeline):
    with pipeline.dag() as run:
        parts = cutting.step(source=run.source)

    with (
        pipeline.on_exit(),
        pytest.raises(AuthoringError, match=r"Make the argument `Path \| None"),
    ):
        template(demand, tier="small").step(decision=parts.part)


def test_an_output_of_another_pipeline_is_refused(pipeline):
    other = dataclasses.replace(pipeline)
    with other.dag() as run:
        parts = cutting.step(source=run.source)

    with pipeline.dag(), pytest.raises(UnknownReferenceError, match='has no task "cut"'):
        judging.step(model=parts.part)


@pytest.mark.parametrize("workers", [5, "run"])
def test_a_gang_larger_than_the_cluster_is_refused(pipeline, workers):
    pipeline = dataclasses.replace(pipeline, parameters={"size": 5})
    with pipeline.dag() as run:
        template(gang, tier="small", gang="workers").step(
            workers=run.size if workers == "run" else workers
        )

    with pytest.raises(AuthoringError, match=r'gang: a gang of 5 .* tier "small" has 4'):
        pipeline.template()


def test_a_gang_that_fits_is_rendered(pipeline):
    with pipeline.dag():
        template(gang, tier="small", gang="workers").step()

    assert tasks(pipeline)["gang"].arguments is None
