import dataclasses
import json

import numpy as np
import pytest

from tiphys.ml.gate import report
from tiphys.ml.gate.decision import Decision, DecisionError
from tiphys.ml.gate.report import Curves
from tiphys.ml.gate.spec import Comparison, Latency, Limit, Spec
from tiphys.ml.gate.verdict import Evidence, Measured, judge

NAN = float("nan")
SPEC = Spec(
    model="m",
    primary=Comparison(metric="log_loss", rule="superior"),
    guards=(Comparison(metric="roc_auc", rule="non_inferior", margin=0.01),),
    absolute=(Limit(metric="accuracy", minimum=0.6, maximum=0.99),),
    latency=Latency(limit_ms=20),
    size_limit_mb=2,
)
CHAMPION = {"log_loss": 0.5, "roc_auc": 0.7, "accuracy": 0.8, "ece": 0.1, "brier": 0.2}


def decide(champion=CHAMPION, spec=SPEC, p95_ms=1.0, size_mb=1.0, **challenger):
    evidence = Evidence(
        challenger=Measured(hash="new", metrics={**CHAMPION, "log_loss": 0.4, **challenger}),
        champion=Measured(hash="old", metrics=champion) if champion else None,
        p95_ms=p95_ms,
        size_mb=size_mb,
        data_hash="data",
        holdout="2013-07",
        rows=100,
    )
    return judge(spec, evidence)


def failed(decision):
    return [check.name for check in decision.checks if check.verdict == "fail"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"log_loss": 0.5}, ["primary log_loss"]),  # equal is not better
        ({"log_loss": 0.51}, ["primary log_loss"]),
        ({"roc_auc": 0.695}, []),  # 0.005 worse, 0.01 allowed
        ({"roc_auc": 0.689}, ["guard roc_auc"]),  # 0.011 worse
        ({"roc_auc": 0.9}, []),
        ({"accuracy": 0.6}, []),
        ({"accuracy": 0.59}, ["absolute accuracy"]),
        ({"accuracy": 1.0}, ["absolute accuracy"]),
        ({"p95_ms": 20.0}, []),
        ({"p95_ms": 20.1}, ["serving p95_ms"]),
        ({"p95_ms": None}, ["serving p95_ms"]),  # not measured is not fast
        ({"size_mb": 2.1}, ["serving size_mb"]),
        ({"log_loss": NAN}, ["primary log_loss"]),
        ({"roc_auc": NAN, "accuracy": NAN}, ["guard roc_auc", "absolute accuracy"]),
    ],
)
def test_the_truth_table_of_the_gate(changed, expected):
    decision = decide(**changed)
    assert failed(decision) == expected
    assert decision.passed == (expected == [])


@pytest.mark.parametrize(
    ("rule", "margin", "log_loss", "passes"),
    [
        ("superior", 0.05, 0.46, False),  # 0.04 better, more than 0.05 asked
        ("superior", 0.05, 0.44, True),
        ("non_inferior", 0.0, 0.5, True),
        ("non_inferior", 0.02, 0.51, True),
        ("non_inferior", 0.02, 0.53, False),
    ],
)
def test_the_primary_metric_has_a_rule_and_a_margin(rule, margin, log_loss, passes):
    primary = Comparison(metric="log_loss", rule=rule, margin=margin)
    assert (
        decide(spec=dataclasses.replace(SPEC, primary=primary), log_loss=log_loss).passed == passes
    )


def test_a_first_model_is_held_to_the_limits_only():
    decision = decide(champion=None, log_loss=0.9, roc_auc=0.1)
    assert decision.passed
    assert (decision.champion, decision.summary[:16]) == ("", "the first model:")
    assert failed(decide(champion=None, accuracy=0.1)) == ["absolute accuracy"]


def test_the_champion_itself_passes_because_nothing_changes():
    same = Measured(hash="old", metrics=CHAMPION)
    evidence = Evidence(
        challenger=same, champion=same, p95_ms=1, size_mb=1, data_hash="d", holdout="h", rows=1
    )
    decision = judge(SPEC, evidence)
    assert decision.passed
    assert decision.summary == "this model is the champion, byte for byte: nothing changes."


def test_a_refusal_is_summed_up_by_its_first_reason():
    assert decide(log_loss=0.51, accuracy=0.1).summary == (
        "log_loss 0.5100: 0.0100 worse than the champion's 0.5000; must be better by more than 0."
    )


def test_a_decision_survives_its_file():
    decision = decide()
    assert Decision.decode(decision.encode()) == decision
    assert json.loads(decision.encode())["verdict"] == "pass"


def test_a_decision_allows_what_it_names():
    Decision.decode(decide().encode()).demand(model_hash="new", data_hash="data")


@pytest.mark.parametrize(
    ("model", "data", "problem"),
    [("other", "data", "is about model new, not other"), ("new", "x", "is about data data, not x")],
)
def test_a_decision_about_something_else_allows_nothing(model, data, problem):
    with pytest.raises(DecisionError, match=problem):
        decide().demand(model_hash=model, data_hash=data)


def test_a_refusal_allows_nothing_and_names_what_failed():
    with pytest.raises(DecisionError, match=r"refuses the model \(primary log_loss\)"):
        decide(log_loss=0.6).demand(model_hash="new", data_hash="data")


def test_a_pass_with_a_failed_check_allows_nothing():
    forged = dataclasses.replace(decide(log_loss=0.6), verdict="pass")
    with pytest.raises(DecisionError, match="refuses"):
        forged.demand(model_hash="new", data_hash="data")


@pytest.mark.parametrize(
    ("old", "new"),
    [('"verdict": "fail"', '"verdict": "pass"'), ('"new"', '"old"'), ("0.6", "0.1")],
)
def test_a_tampered_decision_is_refused(old, new):
    text = decide(log_loss=0.6).encode().decode()
    with pytest.raises(DecisionError, match="was changed after the gate wrote it"):
        Decision.decode(text.replace(old, new).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"checksum": "", "checks": [{}]}', b"\xff"])
def test_what_is_no_decision_is_refused(text):
    with pytest.raises(DecisionError, match="is not readable"):
        Decision.decode(text)


def test_the_report_shows_both_models_and_every_check():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 500).astype(float)
    curves = {name: Curves.of(labels, random.random(500)) for name in ("challenger", "champion")}
    decision = decide(log_loss=0.6)
    text = report.render(decision, curves)
    assert all(check.name in text for check in decision.checks)
    assert "refused" in text
    assert text.count("<svg") == 2
    assert "<script" not in text


def test_the_report_of_a_first_model_has_no_champion():
    curves = Curves(calibration=[(0.1, 0.2)], roc=[(0.0, 0.0), (1.0, 1.0)])
    text = report.render(decide(champion=None), {"challenger": curves})
    assert "there was none" in text
    assert "passed" in text
