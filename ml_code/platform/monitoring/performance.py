"""Quality of a model on labelled rows, by the kind of its problem, with bootstrap intervals that share their draws.

Binary: the metrics of evaluation.metrics, among them the expected calibration error: the mean distance of predicted and
observed rate over bins, weighted by their rows (M. Naeini, G. Cooper, M. Hauskrecht, Obtaining Well Calibrated
Probabilities Using Bayesian Binning, AAAI 2015), here ten bins of equal row count, so that a rare outcome does not
leave most bins empty. Mean prediction beside mean label is calibration in the large.

Several classes: log loss and AUC, each class against the rest, averaged over the classes that occur. Regression: root
mean squared error, mean absolute error and the coefficient of determination.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml_code.platform.evaluation.intervals import Estimate, Resampling
from ml_code.platform.evaluation.metrics import METRICS, Floats, auc, log_loss

Problem = Literal["binary", "multiclass", "regression"]
Estimates = dict[str, Estimate]

LEAST_ROWS = 50
MOST_ROWS = 50_000
"""Intervals are made of at least and at most so many rows: of fewer they mislead, of more they are all but points."""

_BINS = 10
_CELLS = 4_000_000  # of the matrix of resamples that is in memory at a time


def binary(y: Floats, p: Floats, resampling: Resampling | None = None) -> Estimates:
    """Outcomes (0 or 1) and probabilities; none of no rows."""
    if not len(y):
        return {}
    values = {name: metric(y, p, None) for name, metric in METRICS.items()}
    values |= {"mean_prediction": float(p.mean()), "mean_label": float(y.mean())}
    return _estimates(values, _binary_resamples(y, p, resampling), resampling)


def regression(y: Floats, p: Floats, resampling: Resampling | None = None) -> Estimates:
    """Values and predicted values, in the label's unit; none of no rows."""
    if not len(y):
        return {}
    values = {name: float(drawn[0]) for name, drawn in _regression(y, p, np.ones((1, len(y)))).items()}
    return _estimates(values, _in_parts(len(y), resampling, lambda w: _regression(y, p, w)), resampling)


def multiclass(y: Sequence[str], probabilities: dict[str, Floats]) -> Estimates:
    """Labels and the probability of each class by row; none of no rows. Without intervals."""
    if not len(y):
        return {}
    labels = np.asarray(y, dtype=object)
    of_label = np.array([probabilities[name][row] if name in probabilities else 0.0 for row, name in enumerate(labels)])
    areas = [auc((labels == name).astype(np.float64), values) for name, values in sorted(probabilities.items())]
    defined = [area for area in areas if np.isfinite(area)]
    return {
        "log_loss": _point(log_loss(np.ones(len(labels)), of_label)),
        "auc": _point(float(np.mean(defined)) if defined else float("nan")),
    }


Drawn = dict[str, Floats]


def _binary_resamples(y: Floats, p: Floats, resampling: Resampling | None) -> Drawn:
    # Resamples are drawn of the sorted rows, so that none has to be sorted.
    order = np.argsort(p, kind="stable")
    y, p = y[order], p[order]
    ties = np.concatenate([[0], np.flatnonzero(np.diff(p)) + 1])
    return _in_parts(len(y), resampling, lambda w: _ranked(y, w, ties) | _means(y, p, w))


def _ranked(y: Floats, w: Floats, ties: NDArray[np.intp]) -> Drawn:
    """AUC and average precision of every row of weights; the probability rises, equal ones begin at `ties`."""
    positives = np.add.reduceat(w * y, ties, axis=1)
    negatives = np.add.reduceat(w, ties, axis=1) - positives
    all_positive, all_negative = positives.sum(axis=1), negatives.sum(axis=1)
    false = np.cumsum(negatives, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.einsum("ij,ij->i", positives, false - 0.5 * negatives) / (all_positive * all_negative)
        # Caught and flagged at each threshold: all that are not below it.
        caught = all_positive[:, None] - np.cumsum(positives, axis=1) + positives
        flagged = np.maximum(caught + all_negative[:, None] - false + negatives, 1)
        precision = np.einsum("ij,ij->i", caught / flagged, positives) / all_positive
    precision[all_negative == 0] = np.nan
    return {"auc": area, "average_precision": precision}


def _means(y: Floats, p: Floats, w: Floats) -> Drawn:
    """Means of every row of weights; the probability rises, so that bins are runs of rows (as calibration_curve's)."""
    sure = np.clip(p, 1e-15, 1 - 1e-15)
    losses = -(y * np.log(sure) + (1 - y) * np.log1p(-sure))
    sums = w @ np.stack([(p - y) ** 2, losses, p, y, np.ones(len(y))], axis=1)
    squared, loss, predicted, observed, rows = sums.T
    starts = np.unique(-(-np.arange(_BINS) * len(y) // _BINS))
    bins = starts[starts < len(y)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "brier": squared / rows,
            "log_loss": loss / rows,
            "calibration_error": np.abs(np.add.reduceat(w * (p - y), bins, axis=1)).sum(axis=1) / rows,
            "calibration_ratio": np.where(observed > 0, predicted / observed, np.nan),
            "mean_prediction": predicted / rows,
            "mean_label": observed / rows,
        }


def _regression(y: Floats, p: Floats, w: Floats) -> Drawn:
    rows, squared = w.sum(axis=1), w @ (p - y) ** 2
    spread = w @ y**2 - (w @ y) ** 2 / rows
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(spread > 1e-12 * (w @ y**2), 1 - squared / spread, np.nan)
    return {"rmse": np.sqrt(squared / rows), "mae": w @ np.abs(p - y) / rows, "r2": r2}


def _in_parts(rows: int, resampling: Resampling | None, draw: Callable[[Floats], Drawn]) -> Drawn:
    if resampling is None or not LEAST_ROWS <= rows <= MOST_ROWS:
        return {}
    rng = np.random.default_rng(resampling.seed)
    at_once = max(1, _CELLS // rows)
    parts = []
    for first in range(0, resampling.resamples, at_once):
        number = min(at_once, resampling.resamples - first)
        draws = rng.integers(0, rows, (number, rows))
        draws += np.arange(number)[:, None] * rows
        parts.append(draw(np.bincount(draws.ravel(), minlength=number * rows).reshape(number, rows).astype(np.float64)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _estimates(values: dict[str, float], drawn: Drawn, resampling: Resampling | None) -> Estimates:
    if resampling is None or not drawn:
        return {name: _point(value) for name, value in values.items()}
    matrix = np.stack([drawn[name] for name in values])
    if not np.isfinite(matrix).all():
        return {name: resampling.interval(value, drawn[name].tolist()) for name, value in values.items()}
    # All at once: of the many windows of a day each costs little, and numpy's call the most of it.
    tail = (1 - resampling.confidence) / 2
    ends = np.quantile(matrix, [tail, 1 - tail], axis=1)
    return {
        name: Estimate(value, float(low), float(high))
        for (name, value), low, high in zip(values.items(), *ends, strict=True)
    }


def _point(value: float) -> Estimate:
    return Estimate(value, float("nan"), float("nan"))
