from __future__ import annotations

import pytest

from ci.models.compare import Row, Training, changed_parameters, metric_rows


@pytest.mark.parametrize(
    ("metric", "candidate", "champion", "better"),
    [
        ("test_auc", 0.7, 0.6, True),
        ("test_auc", 0.6, 0.7, False),
        ("log_loss", 0.6, 0.7, True),
        ("brier", 0.3, 0.2, False),
        ("average_precision", 0.3, 0.2, True),
        ("rows", 20.0, 10.0, None),
        ("test_auc", 0.7, 0.7, None),
        ("test_auc", None, 0.7, None),
    ],
)
def test_better_depends_on_the_metric(
    metric: str, candidate: float | None, champion: float | None, better: bool | None
) -> None:
    assert Row(metric, candidate, champion).better is better


def training(metrics: dict[str, float], **parameters: str) -> Training:
    return Training("version 1", "0" * 32, metrics, parameters)


def test_metrics_that_only_one_has_come_last() -> None:
    rows = metric_rows(training({"a": 1, "c": 1}), training({"b": 1, "c": 2}))
    assert [row.metric for row in rows] == ["c", "a", "b"]
    assert rows[0].difference == -1


def test_bounds_stand_beside_their_metric() -> None:
    ours = training({"auc": 0.7, "auc_low": 0.6, "auc_high": 0.8, "reads_low": 1})
    rows = metric_rows(ours, training({"auc": 0.6}))
    assert [row.metric for row in rows] == ["auc", "reads_low"]
    assert rows[0].candidate_interval == (0.6, 0.8)
    assert rows[0].champion_interval is None


def test_only_changed_parameters_are_told() -> None:
    ours, theirs = training({}, leaves="7", rate="0.1"), training({}, leaves="15", rate="0.1", depth="3")
    assert changed_parameters(ours, theirs) == [("depth", "", "3"), ("leaves", "7", "15")]
