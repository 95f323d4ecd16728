"""Champion and challenger, from the verdict's tags and the training's metrics."""

from __future__ import annotations

from ci.rehearsal.model import Estimate
from ci.rehearsal.models import compared, estimates

_TAGS = {
    "verdict": "refuse", "verdict_reason": "better than the champion by 0.000, the threshold is 0.01",
    "verdict_metric": "auc", "verdict_floor": "0.5", "verdict_threshold": "0.01", "verdict_rows": "517",
    "verdict_outcomes": "24", "verdict_difference": "0.0004", "verdict_difference_interval": "-0.0213 0.0330",
}  # fmt: skip
_METRICS = {
    "test_auc": 0.6148, "test_auc_low": 0.5095, "test_auc_high": 0.7462, "test_rows": 517.0, "test_positives": 24.0,
    "test_brier": 0.0442, "champion_test_auc": 0.6144, "champion_test_auc_low": 0.5, "champion_test_auc_high": 0.74,
    "validation_auc": 0.656, "training_seconds": 12.0,
}  # fmt: skip


def test_both_are_told_with_the_verdict_on_the_same_rows() -> None:
    pair = compared("staging.hrob.risk", "2", _TAGS, _METRICS, champion="1", champion_after="1")
    assert pair.challenger is not None
    assert pair.champion is not None
    assert pair.challenger.metrics["auc"] == Estimate(value=0.6148, low=0.5095, high=0.7462)
    assert pair.champion.metrics == {"auc": Estimate(value=0.6144, low=0.5, high=0.74)}
    assert (pair.decision, pair.metric, pair.floor, pair.threshold) == ("refuse", "auc", 0.5, 0.01)
    assert pair.difference == Estimate(value=0.0004, low=-0.0213, high=0.033)
    assert (pair.rows, pair.outcomes) == (517, 24)


def test_counts_and_bounds_are_no_metrics_and_a_metric_without_bounds_is_one() -> None:
    assert set(estimates(_METRICS, "test_")) == {"auc", "brier"}
    assert estimates(_METRICS, "test_")["brier"] == Estimate(value=0.0442)


def test_a_metric_whose_name_ends_like_a_bound_is_one() -> None:
    assert set(estimates({"test_birth_weight_low": 0.3}, "test_")) == {"birth_weight_low"}


def test_a_version_that_was_not_judged_has_no_verdict() -> None:
    pair = compared("m", "2", {"verdict_difference": "nan"}, {}, champion=None, champion_after=None)
    assert (pair.decision, pair.difference, pair.champion, pair.rows) == (None, None, None, None)
