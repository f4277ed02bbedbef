import numpy as np
import pytest

from tiphys.errors import UserError
from tiphys.ml.gate import latency, metrics
from tiphys.ml.gate.spec import Latency

LABELS = np.array([0.0, 0.0, 1.0, 1.0])
SAID = np.array([0.1, 0.4, 0.35, 0.8])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log_loss", 0.47228795380917615),  # -(ln .9 + ln .6 + ln .35 + ln .8) / 4
        ("roc_auc", 0.75),  # 3 of the 4 pairs are in order: .35 < .4 is not
        ("brier", 0.158125),  # (.01 + .16 + .4225 + .04) / 4
        ("accuracy", 0.75),  # .35 is on the wrong side
        ("ece", 0.3375),  # (.1 + .4 + .65 + .2) / 4, a bin each: .35 and .4 fall in two
    ],
)
def test_a_metric_has_its_known_value(name, expected):
    assert metrics.measure(LABELS, SAID)[name] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_based_auc_is_the_share_of_ordered_pairs(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, 200).astype(float)
    said = random.integers(0, 20, 200) / 20  # with many ties
    pairs = said[labels == 1][:, None] - said[labels == 0][None, :]
    assert metrics.roc_auc(labels, said) == pytest.approx(np.mean((np.sign(pairs) + 1) / 2))


def test_ties_count_half():
    assert metrics.roc_auc(LABELS, np.full(4, 0.5)) == 0.5


def test_a_wrong_certainty_costs_much_but_not_everything():
    assert 17 < metrics.log_loss(np.array([0.0, 1.0]), np.array([1.0, 1.0])) < 18


def test_calibration_leaves_out_empty_bins_and_keeps_certainty_in_the_last():
    points = metrics.calibration(np.array([0.0, 1.0, 1.0]), np.array([0.05, 0.95, 1.0]))
    assert points == [(0.05, 0.0, 1), (pytest.approx(0.975), 1.0, 2)]


def test_the_roc_curve_runs_from_corner_to_corner():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 5000).astype(float)
    curve = metrics.roc_curve(labels, random.random(5000))
    assert (curve[0], curve[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert len(curve) <= 62
    assert curve == sorted(curve)


@pytest.mark.parametrize("labels", [[], [1.0, 1.0], [0.0]])
def test_a_holdout_of_one_label_cannot_be_judged_on(labels):
    with pytest.raises(UserError, match="rows of one label"):
        metrics.measure(np.array(labels), np.full(len(labels), 0.5))


@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.1])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(UserError, match="not between 0 and 1"):
        metrics.measure(LABELS, np.array([0.1, 0.2, 0.3, bad]))


@pytest.mark.parametrize(
    ("metric", "gain"),
    [("log_loss", 0.1), ("roc_auc", -0.1), ("ece", 0.1), ("accuracy", -0.1), ("brier", 0.1)],
)
def test_gain_knows_which_way_is_better(metric, gain):
    assert metrics.METRICS[metric].gain(0.5, 0.6) == pytest.approx(gain)


def test_latency_leaves_the_warm_up_out():
    calls = []
    rule = Latency(limit_ms=20, warmup=3, runs=20)
    assert latency.p95_ms(lambda: calls.append(1), rule) < 20
    assert len(calls) == 23  # 3 + 20
