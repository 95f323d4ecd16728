"""Explanations of any model that can predict, whatever it is made of: a simpler model of it, and how faithful that is.

`local_surrogate` explains one row, after Ribeiro, Singh, Guestrin, "Why Should I Trust You? Explaining the Predictions
of Any Classifier" (2016): rows are drawn around it, weighted by their nearness, and a ridge regression is fitted to
what the model says of them. `global_surrogate` fits one shallow decision tree to what the model says of real rows
(Craven and Shavlik, "Extracting Tree-Structured Representations of Trained Networks", 1996). Both tell their fidelity,
the (weighted) share of the model's variance that they reproduce: below about 0.8 they do not speak for the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]

# The kernel's width of the paper's own implementation, in standard deviations by the root of the number of features.
_WIDTH = 0.75
_RIDGE = 1.0


@dataclass(frozen=True)
class LocalSurrogate:
    """A row's prediction as a sum: what one standard deviation more of each feature adds, around this row.

    `fidelity` is the weighted R² on the drawn rows; None where the model says the same of all of them.
    """

    prediction: float
    intercept: float
    coefficients: dict[str, float]
    fidelity: float | None


@dataclass(frozen=True)
class GlobalSurrogate:
    """A tree in words, and its R² against the model on the rows that it was fitted to."""

    rules: str
    fidelity: float | None


def local_surrogate(
    predict: Predict, rows: Floats, row: Floats, names: Sequence[str], *, samples: int = 2_000, seed: int = 0
) -> LocalSurrogate:
    """Explains `row`; `rows` are real ones, which tell each feature's spread and which values it takes.

    Half of a drawn row's features, on average, come from one real row and the rest stay as they are: so values occur
    together as they do in the data, and categories and missing values remain possible. `predict` gives one number a
    row; for one class of several, let it give that class's probability. The same seed gives the same explanation.
    """
    if rows.ndim != 2 or row.shape != (rows.shape[1],) or len(names) != rows.shape[1] or not len(rows):
        raise ValueError(f"expected rows x {len(names)} features and one row of them, found {rows.shape}, {row.shape}")
    rng = np.random.default_rng(seed)
    others = rows[rng.integers(0, len(rows), samples)]
    drawn = np.where(rng.random((samples, len(row))) < 0.5, others, row)
    drawn[0] = row
    said = np.asarray(predict(drawn), dtype=np.float64)
    away = _distances(drawn, row, rows)
    width = _WIDTH * np.sqrt(len(row))
    weights = np.exp(-(away**2).sum(axis=1) / width**2)
    intercept, slopes = _ridge(away, said, weights)
    fidelity = _fidelity(said, intercept + away @ slopes, weights)
    return LocalSurrogate(float(said[0]), intercept, dict(zip(names, map(float, slopes), strict=True)), fidelity)


def global_surrogate(
    predict: Predict, rows: Floats, names: Sequence[str], *, leaves: int = 8, seed: int = 0
) -> GlobalSurrogate:
    """One tree of at most `leaves` leaves for the whole model; what is not finite takes the median of its column."""
    from sklearn.tree import DecisionTreeRegressor, export_text

    said = np.asarray(predict(rows), dtype=np.float64)
    filled = _filled(rows, _medians(rows))
    least = max(1, len(rows) // 100)
    tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=least, random_state=seed).fit(filled, said)
    fidelity = _fidelity(said, np.asarray(tree.predict(filled)), np.ones(len(rows)))
    return GlobalSurrogate(str(export_text(tree, feature_names=list(names), decimals=3)), fidelity)


def _distances(drawn: Floats, row: Floats, rows: Floats) -> Floats:
    """Signed distance from the row in standard deviations of each feature; what is not finite counts as the median."""
    medians = _medians(rows)
    spread = _filled(rows, medians).std(axis=0)
    away: Floats = (_filled(drawn, medians) - _filled(row, medians)) / np.where(spread > 0, spread, 1)
    return away


def _medians(rows: Floats) -> Floats:
    finite = np.isfinite(rows)
    empty = ~finite.any(axis=0)
    medians: Floats = np.nanmedian(np.where(finite, rows, np.where(empty, 0, np.nan)), axis=0)
    return medians


def _filled(rows: Floats, medians: Floats) -> Floats:
    return np.where(np.isfinite(rows), rows, medians)


def _ridge(x: Floats, y: Floats, weights: Floats) -> tuple[float, Floats]:
    """Weighted ridge regression, its intercept free of the penalty."""
    total = weights.sum()
    mean_x, mean_y = weights @ x / total, float(weights @ y / total)
    centred = x - mean_x
    gram = (centred * weights[:, None]).T @ centred
    slopes = np.linalg.solve(gram + _RIDGE * np.eye(x.shape[1]), centred.T @ (weights * (y - mean_y)))
    return mean_y - float(mean_x @ slopes), slopes


def _fidelity(said: Floats, fitted: Floats, weights: Floats) -> float | None:
    mean = np.average(said, weights=weights)
    spread = float(weights @ (said - mean) ** 2)
    if spread <= 1e-24 * max(float(weights @ said**2), 1e-300):
        return None
    return 1 - float(weights @ (said - fitted) ** 2) / spread
