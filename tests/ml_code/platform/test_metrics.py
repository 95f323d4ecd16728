from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from ml_code.platform.evaluation import metrics
from ml_code.platform.evaluation.intervals import Resampling, difference, evaluate

# Few distinct probabilities, so that ties occur.
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(0, 3)), min_size=2, max_size=60).filter(
    lambda rows: len({y for y, _, w in rows if w}) == 2
)


@settings(deadline=None)
@given(ROWS)
def test_equal_to_scikit_learn_with_ties_and_weights(rows: list[tuple[int, int, int]]) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    p /= 10
    assert metrics.auc(y, p, w) == pytest.approx(reference.roc_auc_score(y, p, sample_weight=w))
    assert metrics.average_precision(y, p, w) == pytest.approx(reference.average_precision_score(y, p, sample_weight=w))
    assert metrics.brier(y, p, w) == pytest.approx(reference.brier_score_loss(y, p, sample_weight=w))
    assert metrics.log_loss(y, p, w) == pytest.approx(reference.log_loss(y, p, sample_weight=w))


def test_weights_count_like_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    y, p, w = rng.integers(0, 2, 50).astype(float), rng.random(50).round(1), rng.integers(0, 4, 50)
    repeated_y, repeated_p = np.repeat(y, w), np.repeat(p, w)
    for name in ("auc", "average_precision", "brier", "log_loss", "calibration_ratio"):
        metric = metrics.METRICS[name]
        assert metric(y, p, w.astype(float)) == pytest.approx(metric(repeated_y, repeated_p, None)), name


def test_calibration_of_a_true_forecast_and_of_one_twice_too_high() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0, 0.4, 200_000)
    y = (rng.random(200_000) < p).astype(float)
    assert metrics.calibration_error(y, p) < 0.01
    assert metrics.calibration_ratio(y, p) == pytest.approx(1, abs=0.02)
    assert metrics.calibration_ratio(y, 2 * p) == pytest.approx(2, abs=0.04)
    assert metrics.calibration_error(y, 2 * p) > 0.15


def test_one_outcome_alone_has_no_auc() -> None:
    assert np.isnan(metrics.auc(np.zeros(5), np.linspace(0, 1, 5)))
    assert np.isnan(metrics.average_precision(np.ones(5), np.linspace(0, 1, 5)))


def test_intervals_are_seeded_and_hold_the_point() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(400)
    y = (rng.random(400) < p).astype(float)
    by = Resampling(200, 0.95, 3)
    first, second = evaluate(y, p, by), evaluate(y, p, by)
    assert first == second
    for name in ("auc", "average_precision", "brier", "log_loss"):
        estimate = first.metrics[name]
        assert estimate.low < estimate.value < estimate.high, name


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(60):
        y = rng.integers(0, 2, 150).astype(float)
        score = y + rng.normal(0, 1.5, 150)
        estimate = Resampling(150, 0.9, seed).interval(0, [])  # nothing to go by: undefined
        assert np.isnan(estimate.low)
        interval = evaluate(y, 1 / (1 + np.exp(-score)), Resampling(150, 0.9, seed)).metrics["auc"]
        covered += interval.low <= 0.6813 <= interval.high  # P(N(1, 2 * 1.5²) > 0)
    assert 45 <= covered <= 60


def test_a_paired_difference_is_narrower_than_the_models_own_intervals() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(500)
    y = (rng.random(500) < p).astype(float)
    other = np.clip(p + rng.normal(0, 0.05, 500), 0, 1)
    by = Resampling(200, 0.95, 5)
    apart = difference("auc", y, p, other, by)
    alone = evaluate(y, p, by).metrics["auc"]
    assert apart.high - apart.low < (alone.high - alone.low) / 2
    assert difference("auc", y, p, p, by).value == 0
