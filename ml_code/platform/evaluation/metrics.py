"""Measures of a probability forecast in plain numpy: weighted, so that a bootstrap resample is a vector of counts.

All take the outcomes y (0 or 1), the predicted probabilities p and optional weights w, one value a row. AUC and average
precision are NaN when one of the outcomes is absent.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats, Floats | None], float]

# Probabilities are kept this far from 0 and 1, so that one sure mistake does not make the log loss infinite.
_EDGE = 1e-15


@dataclass(frozen=True)
class _Ranked:
    """Weights of positives and negatives by distinct probability, highest first."""

    p: Floats
    positives: Floats
    negatives: Floats


def auc(y: Floats, p: Floats, w: Floats | None = None) -> float:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties counted half (Mann-Whitney)."""
    ranked = _rank(y, p, w)
    total_positive, total_negative = ranked.positives.sum(), ranked.negatives.sum()
    if not total_positive or not total_negative:
        return float("nan")
    below = total_negative - np.cumsum(ranked.negatives)
    return float((ranked.positives * (below + 0.5 * ranked.negatives)).sum() / (total_positive * total_negative))


def average_precision(y: Floats, p: Floats, w: Floats | None = None) -> float:
    """Sum over thresholds of precision times the gain in recall (no interpolation)."""
    ranked = _rank(y, p, w)
    total_positive = ranked.positives.sum()
    if not total_positive or not ranked.negatives.sum():
        return float("nan")
    caught = np.cumsum(ranked.positives)
    flagged = np.maximum(caught + np.cumsum(ranked.negatives), _EDGE)
    return float((caught / flagged * ranked.positives).sum() / total_positive)


def brier(y: Floats, p: Floats, w: Floats | None = None) -> float:
    """Mean squared difference of probability and outcome."""
    outcome, probability = _floats(y), _floats(p)
    return float(np.average((probability - outcome) ** 2, weights=w))


def log_loss(y: Floats, p: Floats, w: Floats | None = None) -> float:
    """Mean negative log likelihood, in nats."""
    outcome = _floats(y)
    probability = np.clip(_floats(p), _EDGE, 1 - _EDGE)
    losses = -(outcome * np.log(probability) + (1 - outcome) * np.log1p(-probability))
    return float(np.average(losses, weights=w))


def calibration_error(y: Floats, p: Floats, w: Floats | None = None, bins: int = 10) -> float:
    """Expected calibration error: mean distance of predicted and observed rate over bins of equal row count."""
    predicted, observed, weight = calibration_curve(y, p, w, bins)
    return float(np.average(np.abs(predicted - observed), weights=weight))


def calibration_ratio(y: Floats, p: Floats, w: Floats | None = None) -> float:
    """Calibration in the large: expected over observed number of outcomes; 1 is right, NaN without outcomes."""
    observed = np.average(_floats(y), weights=w)
    return float(np.average(_floats(p), weights=w) / observed) if observed else float("nan")


def calibration_curve(y: Floats, p: Floats, w: Floats | None = None, bins: int = 10) -> tuple[Floats, Floats, Floats]:
    """Mean predicted and observed rate and weight of each non-empty bin; bins hold equal numbers of rows."""
    outcome, probability = _floats(y), _floats(p)
    weights = np.ones_like(outcome) if w is None else _floats(w)
    order = np.argsort(probability, kind="stable")
    number = np.arange(len(order)) * bins // max(len(order), 1)
    weight: Floats = np.bincount(number, weights[order], bins).astype(np.float64)
    kept = weight > 0
    divide = np.where(kept, weight, 1)
    predicted = np.bincount(number, (weights * probability)[order], bins) / divide
    observed = np.bincount(number, (weights * outcome)[order], bins) / divide
    return predicted[kept], observed[kept], weight[kept]


def roc_curve(y: Floats, p: Floats) -> tuple[Floats, Floats]:
    """False and true positive rate at each threshold, from (0, 0) to (1, 1)."""
    ranked = _rank(y, p, None)
    false_rate = np.cumsum(ranked.negatives) / max(ranked.negatives.sum(), 1)
    true_rate = np.cumsum(ranked.positives) / max(ranked.positives.sum(), 1)
    return np.concatenate([[0.0], false_rate]), np.concatenate([[0.0], true_rate])


def precision_recall_curve(y: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Recall and precision at each threshold, highest threshold first."""
    ranked = _rank(y, p, None)
    caught = np.cumsum(ranked.positives)
    return caught / max(ranked.positives.sum(), 1), caught / (caught + np.cumsum(ranked.negatives))


METRICS: dict[str, Metric] = {
    "auc": auc,
    "average_precision": average_precision,
    "brier": brier,
    "log_loss": log_loss,
    "calibration_error": calibration_error,
    "calibration_ratio": calibration_ratio,
}


def _rank(y: Floats, p: Floats, w: Floats | None) -> _Ranked:
    outcome, probability = _floats(y), _floats(p)
    order = np.argsort(-probability, kind="stable")
    sorted_p = probability[order]
    weights = np.ones_like(outcome) if w is None else _floats(w)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(sorted_p)) + 1]) if len(order) else np.array([], dtype=int)
    if not len(order):
        return _Ranked(sorted_p, sorted_p, sorted_p)
    positives = np.add.reduceat((weights * outcome)[order], starts)
    negatives = np.add.reduceat((weights * (1 - outcome))[order], starts)
    return _Ranked(sorted_p[starts], positives, negatives)


def _floats(values: Floats) -> Floats:
    return np.asarray(values, dtype=np.float64)
