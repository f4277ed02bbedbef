"""How good probabilities are, against labels that are 0 or 1.

A legend for shapes: N rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tiphys.errors import UserError

Vector = NDArray[np.float64]

BINS = 10
"""Of equal width, for the calibration error and its curve."""
SMALLEST = 1e-15
"""Probabilities are kept this far from 0 and 1, as log_loss would be infinite there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number that says how good a model is."""

    compute: Callable[[Vector, Vector], float]
    """From labels_N and probabilities_N."""
    direction: Literal["higher", "lower"]
    """Which way is better."""

    def gain(self, challenger: float, champion: float) -> float:
        """Return how much better the challenger is; below zero it is worse."""
        return challenger - champion if self.direction == "higher" else champion - challenger


def log_loss(labels_N: Vector, probabilities_N: Vector) -> float:
    """Return the mean negative log-likelihood, in nats."""
    kept = np.clip(probabilities_N, SMALLEST, 1 - SMALLEST)
    return float(-np.mean(labels_N * np.log(kept) + (1 - labels_N) * np.log1p(-kept)))


def brier(labels_N: Vector, probabilities_N: Vector) -> float:
    """Return the mean squared difference of probability and label."""
    return float(np.mean((probabilities_N - labels_N) ** 2))


def accuracy(labels_N: Vector, probabilities_N: Vector) -> float:
    """Return the share of rows on the right side of one half."""
    return float(np.mean((probabilities_N >= 0.5) == (labels_N >= 0.5)))


def roc_auc(labels_N: Vector, probabilities_N: Vector) -> float:
    """Return the share of (positive, negative) pairs in the right order; a tie counts half."""
    _, index_N, count = np.unique(probabilities_N, return_inverse=True, return_counts=True)
    rank_N = (np.cumsum(count) - (count - 1) / 2)[index_N]
    positives = float(labels_N.sum())
    negatives = len(labels_N) - positives
    above = float(rank_N[labels_N > 0.5].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def ece(labels_N: Vector, probabilities_N: Vector) -> float:
    """Return the expected calibration error: |mean label - mean probability|, bins by rows."""
    points = calibration(labels_N, probabilities_N)
    return sum(abs(seen - said) * rows for said, seen, rows in points) / len(labels_N)


def calibration(labels_N: Vector, probabilities_N: Vector) -> list[tuple[float, float, int]]:
    """Return, a bin that has rows, (mean probability, mean label, rows)."""
    bin_N = np.minimum((probabilities_N * BINS).astype(int), BINS - 1)
    rows = np.bincount(bin_N, minlength=BINS)
    said = np.bincount(bin_N, weights=probabilities_N, minlength=BINS)
    seen = np.bincount(bin_N, weights=labels_N, minlength=BINS)
    return [
        (float(said[each] / rows[each]), float(seen[each] / rows[each]), int(rows[each]))
        for each in range(BINS)
        if rows[each]
    ]


def roc_curve(
    labels_N: Vector,
    probabilities_N: Vector,
    points: int = 60,
) -> list[tuple[float, float]]:
    """Return (false positive rate, true positive rate) from (0, 0) to (1, 1), thinned out."""
    labels = labels_N[np.argsort(-probabilities_N, kind="stable")]
    true = np.concatenate([[0.0], np.cumsum(labels) / labels.sum()])
    false = np.concatenate([[0.0], np.cumsum(1 - labels) / (1 - labels).sum()])
    chosen = np.unique(np.searchsorted(false, np.linspace(0, 1, points), side="right") - 1)
    return [(float(false[each]), float(true[each])) for each in sorted({0, *chosen.tolist()})]


METRICS: Mapping[str, Metric] = {
    "log_loss": Metric(compute=log_loss, direction="lower"),
    "roc_auc": Metric(compute=roc_auc, direction="higher"),
    "ece": Metric(compute=ece, direction="lower"),
    "accuracy": Metric(compute=accuracy, direction="higher"),
    "brier": Metric(compute=brier, direction="lower"),
}


def measure(labels_N: Vector, probabilities_N: Vector) -> dict[str, float]:
    """Return every metric by name.

    Raises: UserError: there are no rows, all have one label, or a probability is none.
    """
    if len(set(labels_N.tolist())) != 2:
        raise UserError("holdout", f"has {len(labels_N)} rows of one label.", "Choose another.")
    if not np.all((probabilities_N >= 0) & (probabilities_N <= 1)):
        raise UserError("model", "gives numbers that are not between 0 and 1.")
    return {name: one.compute(labels_N, probabilities_N) for name, one in METRICS.items()}
