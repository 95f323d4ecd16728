"""Quality of the model against scikit-learn on the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from ml_code.platform.monitoring.model_quality import Outcomes, fairness, outcomes, quality

ROWS = 400
AVERAGES: dict[str, dict[str, Any]] = {"macro": {"average": "macro"}, "weighted": {"average": "weighted"}}


def chunked(values: Any, type_: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, type_)])


def of(classes: int, seed: int = 3) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), ROWS)
    labels = np.array([rng.choice(classes, p=row) for row in probabilities])
    return probabilities, probabilities.argmax(axis=1), labels


@pytest.mark.parametrize("classes", [2, 4])
def test_classification_is_that_of_scikit_learn(classes: int) -> None:
    probabilities, predicted, labels = of(classes)
    names = [str(number) for number in range(classes)]
    given = chunked(probabilities[:, 1])
    if classes > 2:
        rows = [list(zip(names, row, strict=True)) for row in probabilities.tolist()]
        given = chunked(rows, pa.map_(pa.string(), pa.float64()))
    # 1 and 1.0 are one class.
    read = outcomes("classification", chunked(predicted.astype(np.int32)), chunked(labels.astype(float)), given)
    found = quality(read, "classification")

    assert found["accuracy_score"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    matrix = {(row["label"], row["prediction"]): row["count"] for row in found["confusion_matrix"]}
    expected = metrics.confusion_matrix(labels, predicted)
    assert matrix == {(names[i], names[j]): expected[i, j] for i, j in np.argwhere(expected)}
    for name in ("precision", "recall", "f1_score"):
        score = getattr(metrics, name if name == "f1_score" else f"{name}_score")
        by_class = score(labels, predicted, average=None, zero_division=0)
        assert found[name]["one_vs_all"] == pytest.approx(dict(zip(names, by_class, strict=True)))
        for average, arguments in AVERAGES.items():
            assert found[name][average] == pytest.approx(score(labels, predicted, zero_division=0, **arguments))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(labels, probabilities))
    scores = probabilities[:, 1] if classes == 2 else probabilities
    for average, arguments in AVERAGES.items():
        area = metrics.roc_auc_score(labels, scores, multi_class="ovr", **arguments)
        assert found["roc_auc_score"][average] == pytest.approx(area)


def test_regression_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    actual, predicted = rng.normal(3, 2, ROWS), rng.normal(3, 2, ROWS)
    given = chunked([*predicted, np.inf, 1.0, None])
    found = quality(outcomes("regression", given, chunked([*actual, 1.0, None, 2.0])), "regression")
    assert found == pytest.approx(
        {
            "mean_squared_error": metrics.mean_squared_error(actual, predicted),
            "root_mean_squared_error": metrics.root_mean_squared_error(actual, predicted),
            "mean_average_error": metrics.mean_absolute_error(actual, predicted),
            "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(actual, predicted),
            "r2_score": metrics.r2_score(actual, predicted),
        }
    )
    one = quality(outcomes("regression", chunked([1.0]), chunked([2.0])), "regression")
    assert one["r2_score"] is None
    assert one["mean_squared_error"] == 1.0


def test_rows_without_a_label_count_for_nothing() -> None:
    read = outcomes(
        "classification", chunked([1, 0, 1, None]), chunked([1, 0, None, 1]), chunked([0.9, None, 0.5, 0.1])
    )
    found = quality(read, "classification")
    assert found["accuracy_score"] == 1.0
    assert found["log_loss"] == pytest.approx(-np.log(0.9))  # of the one row whose probability is known
    assert found["roc_auc_score"] is None
    assert quality(read.of(np.array([2, 3])), "classification") == {}
    assert quality(read.of(np.array([1])), "classification").get("log_loss") is None


def test_fairness_is_the_difference_of_the_two_groups() -> None:
    _, predicted, labels = of(2)
    read = outcomes("classification", chunked(predicted), chunked(labels))
    ours, theirs = np.arange(0, ROWS, 3), np.setdiff1d(np.arange(ROWS), np.arange(0, ROWS, 3))
    found = fairness(read.of(ours), read.of(theirs))

    def difference(rate: Any) -> float:
        return float(rate(ours) - rate(theirs))

    assert found["predictive_parity"]["1"] == pytest.approx(
        difference(lambda at: metrics.precision_score(labels[at], predicted[at]))
    )
    assert found["equal_opportunity"]["1"] == pytest.approx(
        difference(lambda at: metrics.recall_score(labels[at], predicted[at]))
    )
    assert found["predictive_equality"]["1"] == pytest.approx(
        difference(lambda at: predicted[at][labels[at] == 0].mean())
    )
    assert found["statistical_parity"]["0"] == pytest.approx(difference(lambda at: (predicted[at] == 0).mean()))
    assert fairness(read.of(ours), Outcomes(predicted[:0], labels[:0], read.classes)) == {}
