from pathlib import Path

import pytest

from tiphys.ml.gate import spec
from tiphys.ml.gate.reading import SpecError
from tiphys.ml.gate.spec import Comparison, Latency, Limit

GOOD = """\
model: flights
primary: {metric: log_loss, direction: lower, rule: superior, margin: 0.001}
guards:
- {metric: roc_auc, rule: non_inferior, margin: 0.005}
absolute: {roc_auc: {min: 0.60}, log_loss: {max: 0.65}}
serving: {p95_ms: {max: 20, runs: 100}, size_mb: {max: 200}}
"""


def problems(tmp_path, text):
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        spec.load(path)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def test_a_spec_is_read_into_types(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text(GOOD)
    assert spec.load(path) == spec.Spec(
        model="flights",
        primary=Comparison(metric="log_loss", rule="superior", margin=0.001),
        guards=(Comparison(metric="roc_auc", rule="non_inferior", margin=0.005),),
        absolute=(Limit(metric="roc_auc", minimum=0.6), Limit(metric="log_loss", maximum=0.65)),
        latency=Latency(limit_ms=20, batch=1, warmup=50, runs=100),
        size_limit_mb=200,
    )


def test_the_spec_of_the_project_is_good():
    assert spec.load(Path("gate/flights.yaml")).model == "flights"


def test_only_model_and_primary_are_needed(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("model: m\nprimary: {metric: brier, direction: lower, rule: superior}\n")
    assert spec.load(path).guards == ()


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path):
    text = (
        GOOD.replace("model: flights\n", "mode: flights\n")
        .replace("metric: roc_auc", "metric: roc_acu")
        .replace("min: 0.60", "min: high")
    )
    found = problems(tmp_path, text)
    assert found == [
        '1:1: the spec has no "model".',
        '1:1: the spec has no field "mode". Did you mean "model"?',
        '4:12: metric "roc_acu" is not known. Did you mean "roc_auc"?',
        "5:21: roc_auc needs a `min` or a `max`.",
        '5:27: "min" must be a number, not "high".',
    ]


@pytest.mark.parametrize("field", ["slices", "fairness", "data", "on_pass"])
def test_a_field_of_a_later_release_is_refused_by_name(tmp_path, field):
    assert problems(tmp_path, GOOD + f"{field}: {{}}\n") == [
        f'7:1: "{field}" is not supported yet; remove it.'
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("margin: 0.001", "alpha: 0.05"),
        ("margin: 0.001", "bootstrap: {n: 1000}"),
        ("margin: 0.005", "at_threshold: policy"),
        ("size_mb: {max: 200}", "rss_mb: {max: 200}"),
    ],
)
def test_statistics_are_refused_by_name_wherever_they_stand(tmp_path, old, new):
    (problem,) = problems(tmp_path, GOOD.replace(old, new))
    assert f'"{new.split(":")[0]}" is not supported yet' in problem


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("direction: lower", "direction: higher", "log_loss is better lower, not higher."),
        ("direction: lower, ", "", 'has no "direction"'),
        ("rule: superior", "rule: best", 'rule "best" is not known'),
        ("margin: 0.005", "margin: -1", "must be zero or more"),
        ("margin: 0.005", "margin: .nan", "must be"),
        ("runs: 100", "runs: 0.5", "whole number"),
        ("p95_ms: {max: 20, ", "p95_ms: {", 'has no "max"'),
        ("{min: 0.60}", "{}", "needs a `min` or a `max`"),
        ("{roc_auc: {min: 0.60}, ", "{auc: {min: 0.60}, ", 'no field "auc"'),
        ("model: flights", "model: [flights]", '"model" must be a word'),
        ("model: flights", "model: a\nmodel: b", '"model" is given twice'),
        ("guards:\n- {", "guards: {x: ", "must be a list"),
    ],
)
def test_a_wrong_field_is_told_with_its_place(tmp_path, old, new, problem):
    text = GOOD.replace(old, new)
    if "guards: {" in new:
        text = text.replace("margin: 0.005}", "margin: 0.005}}").replace(
            "{x: metric", "{x: {metric"
        )
    found = problems(tmp_path, text)
    assert any(problem in each for each in found), found


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "is empty"), ("a: [", "is no YAML"), ("- a\n", "is no mapping")],
)
def test_what_is_no_mapping_is_refused(tmp_path, text, problem):
    assert any(problem in each for each in problems(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match="there is no such file"):
        spec.load(tmp_path / "absent.yaml")
