from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVR

from ml_code.platform.explain.contributions import Floats
from ml_code.platform.explain.surrogates import _distances, _ridge, global_surrogate, local_surrogate

NAMES = ["a", "b", "c"]


@pytest.fixture
def rows() -> Floats:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.normal(0, 2, 500), rng.normal(5, 0.5, 500), rng.integers(0, 2, 500)])


def test_a_linear_model_is_told_exactly(rows: Floats) -> None:
    found = local_surrogate(lambda x: 3 * x[:, 0] - x[:, 1], rows, rows[0], NAMES)
    assert found.fidelity == pytest.approx(1, abs=1e-3)
    assert found.prediction == pytest.approx(3 * rows[0, 0] - rows[0, 1])
    # One standard deviation more of each.
    assert found.coefficients["a"] == pytest.approx(3 * rows[:, 0].std(), rel=0.02)
    assert found.coefficients["b"] == pytest.approx(-rows[:, 1].std(), rel=0.05)
    assert found.coefficients["c"] == pytest.approx(0, abs=0.01)


def test_any_model_with_predictions_can_be_explained(rows: Floats) -> None:
    rng = np.random.default_rng(1)
    outcome = (rows[:, 0] + 3 * (rows[:, 2] - 0.5) + rng.normal(size=500) > 0).astype(int)
    logistic = LogisticRegression().fit(rows, outcome)
    found = local_surrogate(lambda x: logistic.predict_proba(x)[:, 1], rows, rows[3], NAMES)
    assert found.coefficients["a"] > 0.1 > abs(found.coefficients["b"])
    assert found.coefficients["c"] > 0.1
    machine = SVR().fit(rows, np.sin(rows[:, 0]))
    local = local_surrogate(machine.predict, rows, rows[3], NAMES)
    assert local.fidelity is not None
    assert 0 < local.fidelity < 0.99  # a wave is no line, and that is said


def test_the_seed_decides_alone(rows: Floats) -> None:
    def predict(x: Floats) -> Floats:
        return np.asarray(x[:, 0] ** 2 + x[:, 2])

    first = local_surrogate(predict, rows, rows[0], NAMES, seed=4)
    assert local_surrogate(predict, rows, rows[0], NAMES, seed=4) == first
    assert local_surrogate(predict, rows, rows[0], NAMES, seed=5) != first


def test_missing_values_and_models_that_say_one_thing(rows: Floats) -> None:
    rows[::7, 1] = np.nan
    rows[3, 1] = np.inf
    rows[:, 2] = np.nan
    row = rows[0].copy()
    found = local_surrogate(lambda x: np.nan_to_num(x[:, 0]), rows, row, NAMES)
    assert found.coefficients["a"] > 1
    assert found.coefficients["c"] == 0
    assert local_surrogate(lambda x: np.full(len(x), 0.1), rows, row, NAMES).fidelity is None
    assert global_surrogate(lambda x: np.nan_to_num(x[:, 0]), rows, NAMES).fidelity == pytest.approx(1, abs=0.1)
    with pytest.raises(ValueError, match="one row of them"):
        local_surrogate(lambda x: x[:, 0], rows, row[:2], NAMES)


def test_the_ridge_is_scikit_learns(rows: Floats) -> None:
    rng = np.random.default_rng(2)
    weights = rng.random(len(rows))
    x = _distances(rows, rows[0], rows)
    y = np.sin(rows[:, 0]) + rows[:, 1]
    intercept, slopes = _ridge(x, y, weights)
    theirs = Ridge(alpha=1.0).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(slopes, theirs.coef_, atol=1e-9)
    assert intercept == pytest.approx(theirs.intercept_)


def test_a_small_tree_for_a_model_that_is_one(rows: Floats) -> None:
    found = global_surrogate(lambda x: np.where(x[:, 0] > 1, 0.9, 0.1), rows, NAMES)
    assert found.fidelity == pytest.approx(1)
    assert "a <=" in found.rules
    assert "b" not in found.rules.replace("|", "")
