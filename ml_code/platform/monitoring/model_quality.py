"""Quality of a model on labelled rows, in the columns of a profile table; defined as in scikit-learn.

Rows without a label or without a prediction count for nothing. A class that is never predicted has precision 0, one
that never occurs recall 0 (zero_division=0); a value that the rows do not define (AUC of one class, R² of one row) is
null.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_code.platform.evaluation.metrics import Floats, auc, log_loss

Problem = Literal["classification", "regression"]
Numbers = NDArray[np.int64]

_SURE = 1e-15


@dataclass(frozen=True)
class Outcomes:
    """Predictions and labels of rows that have both, as numbers of `classes` or, of a regression, as values.

    `probabilities` is by class, NaN where it is not known; `places` says where a row of the table is, -1: nowhere.
    """

    predictions: NDArray[Any]
    labels: NDArray[Any]
    classes: tuple[str, ...] = ()
    probabilities: dict[str, Floats] = field(default_factory=dict)
    places: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def of(self, numbers: Numbers) -> "Outcomes":
        """Those of the table's rows with these numbers."""
        places = self.places[numbers]
        at = places[places >= 0]
        probabilities = {name: values[at] for name, values in self.probabilities.items()}
        return Outcomes(self.predictions[at], self.labels[at], self.classes, probabilities)


def outcomes(
    problem: Problem,
    prediction: pa.ChunkedArray,
    label: pa.ChunkedArray,
    probability: pa.ChunkedArray | None = None,
    positive: str = "1",
) -> Outcomes:
    """Outcomes of columns. A probability column has that of the positive class, or a map from class to probability."""
    if problem == "regression":
        predicted, actual = _floats(prediction), _floats(label)
        at = np.flatnonzero(np.isfinite(predicted) & np.isfinite(actual))
        return Outcomes(predicted[at], actual[at], places=_places(at, len(label)))
    at = np.flatnonzero(np.asarray(pc.and_(pc.is_valid(prediction), pc.is_valid(label))))
    texts = [_texts(column.take(pa.array(at))) for column in (prediction, label)]
    classes = tuple(sorted(set(texts[0].unique().to_pylist()) | set(texts[1].unique().to_pylist())))
    numbers = [np.asarray(pc.index_in(text, value_set=pa.array(classes, pa.string())), np.int64) for text in texts]
    known = {} if probability is None else _by_class(probability.take(pa.array(at)), classes, positive)
    return Outcomes(numbers[0], numbers[1], classes, known, _places(at, len(label)))


def quality(rows: Outcomes, problem: Problem) -> dict[str, Any]:
    """Columns of the profile table; none where no row is labelled."""
    if not len(rows.labels):
        return {}
    return _regression(rows.predictions, rows.labels) if problem == "regression" else _classification(rows)


def fairness(group: Outcomes, others: Outcomes) -> dict[str, Any]:
    """Rates of a group less those of all others, by class; none where one side has no labelled row."""
    if not len(group.labels) or not len(others.labels):
        return {}
    ours, theirs = _Rates(_table(group)), _Rates(_table(others))
    return {
        "predictive_parity": _by_name(group.classes, ours.precision - theirs.precision),
        "predictive_equality": _by_name(group.classes, ours.false_positive_rate - theirs.false_positive_rate),
        "equal_opportunity": _by_name(group.classes, ours.recall - theirs.recall),
        "statistical_parity": _by_name(group.classes, ours.predicted_rate - theirs.predicted_rate),
    }


class _Rates:
    """Rates by class of a table of counts, predictions down and labels across; 0 where nothing is divided by."""

    def __init__(self, table: Numbers) -> None:
        right, total = np.diag(table), table.sum()
        predicted, actual = table.sum(axis=1), table.sum(axis=0)
        self.support = actual
        self.precision = _share(right, predicted)
        self.recall = _share(right, actual)
        self.f1 = _share(2 * right, predicted + actual)
        self.false_positive_rate = _share(predicted - right, total - actual)
        self.predicted_rate = _share(predicted, np.full_like(predicted, total))
        self.seen = (predicted > 0) | (actual > 0)


def _classification(rows: Outcomes) -> dict[str, Any]:
    table = _table(rows)
    rates = _Rates(table)
    found = {
        "accuracy_score": float(np.diag(table).sum() / table.sum()),
        "confusion_matrix": [
            {"prediction": rows.classes[i], "label": rows.classes[j], "count": int(table[i, j])}
            for i, j in np.argwhere(table)
        ],
        "precision": _averaged(rows.classes, rates.precision, rates),
        "recall": _averaged(rows.classes, rates.recall, rates),
        "f1_score": _averaged(rows.classes, rates.f1, rates),
    }
    return found | _probabilistic(rows, rates)


def _probabilistic(rows: Outcomes, rates: _Rates) -> dict[str, Any]:
    if not rows.probabilities:
        return {}
    matrix = np.stack([rows.probabilities[name] for name in rows.classes])
    sound = np.isfinite(matrix).all(axis=0)
    labels, matrix = rows.labels[sound], matrix[:, sound]
    if not len(labels):
        return {}
    areas = np.array([auc((labels == number).astype(np.float64), matrix[number]) for number in range(len(matrix))])
    of_label = np.clip(matrix[labels, np.arange(len(labels))], _SURE, 1 - _SURE)
    certain = np.ones_like(of_label)
    return {
        "log_loss": log_loss(certain, of_label),
        "roc_auc_score": None if np.isnan(areas[rates.seen]).any() else _averaged(rows.classes, areas, rates),
    }


def _regression(predicted: Floats, actual: Floats) -> dict[str, Any]:
    error = predicted - actual
    squared = float(np.mean(error**2))
    spread = float(np.sum((actual - actual.mean()) ** 2))
    smallest = np.finfo(np.float64).eps
    r2 = 1 - float(np.sum(error**2)) / spread if spread else float(not error.any())
    return {
        "mean_squared_error": squared,
        "root_mean_squared_error": squared**0.5,
        "mean_average_error": float(np.mean(np.abs(error))),
        "mean_absolute_percentage_error": float(np.mean(np.abs(error) / np.maximum(np.abs(actual), smallest))),
        "r2_score": r2 if len(actual) > 1 else None,
    }


def _table(rows: Outcomes) -> Numbers:
    size = len(rows.classes)
    counts = np.bincount(rows.predictions * size + rows.labels, minlength=size * size)
    return counts.reshape(size, size).astype(np.int64)


def _averaged(classes: tuple[str, ...], values: Floats, rates: _Rates) -> dict[str, Any]:
    seen = rates.seen
    return {
        "one_vs_all": {name: float(value) for name, value, there in zip(classes, values, seen, strict=True) if there},
        "macro": float(values[seen].mean()),
        "weighted": float(np.average(values[seen], weights=rates.support[seen])),
    }


def _by_name(classes: tuple[str, ...], values: Floats) -> dict[str, float]:
    return {name: float(value) for name, value in zip(classes, values, strict=True)}


def _share(part: Numbers, whole: Numbers) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _by_class(column: pa.ChunkedArray, classes: tuple[str, ...], positive: str) -> dict[str, Floats]:
    if pa.types.is_map(column.type):
        rows = [dict(row) if row is not None else {} for row in column.to_pylist()]
        return {name: np.array([row.get(name, np.nan) for row in rows], np.float64) for name in classes}
    # Of more than two classes one probability says too little.
    if len(set(classes) - {positive}) > 1:
        return {}
    values = _floats(column)
    return {name: values if name == positive else 1 - values for name in classes}


def _places(at: Numbers, rows: int) -> Numbers:
    places = np.full(rows, -1, dtype=np.int64)
    places[at] = np.arange(len(at))
    return places


def _texts(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if pa.types.is_dictionary(combined.type):
        combined = combined.cast(combined.type.value_type)
    if pa.types.is_boolean(combined.type):
        return pc.if_else(combined, "true", "false")
    if pa.types.is_floating(combined.type):
        # A class is the same class whether its number is stored as 1 or as 1.0.
        with contextlib.suppress(pa.ArrowInvalid):
            combined = combined.cast(pa.int64())
    return combined.cast(pa.string())


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
