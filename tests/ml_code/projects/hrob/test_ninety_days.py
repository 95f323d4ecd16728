"""Ninety days of a model in use: quiet weeks, members that change, features that come to mean something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ml_code.conftest import Services, new_place
from tests.support.ninety_days import DAYS, FEATURES_BACK, FEATURES_SHIFT, LABELS_SHIFT, Replay

pytestmark = pytest.mark.timeout(2400)  # ninety days of seven steps each


@pytest.fixture(scope="module")
def replay(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    with services.here():
        replay = Replay.begin(new_place(services), tmp_path_factory.mktemp("ninety") / "checkout")
        replay.live(range(DAYS))
    return replay


def test_quiet_weeks_raise_no_alert(replay: Replay) -> None:
    quiet = [*range(FEATURES_SHIFT + 6), *range(FEATURES_BACK + 14, LABELS_SHIFT + 13)]
    for rule in ("feature-drift", "prediction-drift", "auc"):
        assert not set(replay.firing(rule)) & set(quiet), rule


def test_members_that_change_are_caught_within_two_windows(replay: Replay) -> None:
    assert replay.firing("feature-drift")[0] == FEATURES_SHIFT + 14 - 1  # the evening of the second week


def test_a_retraining_that_does_not_help_is_refused_and_not_repeated(replay: Replay) -> None:
    asked = [outcome for number, outcome in replay.retrained.items() if number < LABELS_SHIFT]
    assert asked == ["refuse"]


def test_features_that_mean_something_else_show_in_quality_alone_once_labels_come(replay: Replay) -> None:
    fired = replay.firing("auc")
    assert LABELS_SHIFT + 13 <= fired[0] <= LABELS_SHIFT + 28
    before = range(LABELS_SHIFT, fired[0])
    assert not set(replay.firing("feature-drift")) & set(before)
    assert not set(replay.firing("prediction-drift")) & set(before)


def test_retraining_restores_quality_and_is_promoted(replay: Replay) -> None:
    promoted = [number for number, outcome in replay.retrained.items() if outcome == "promote"]
    auc = replay.measured("auc")
    lost = [value for start, value in auc.items() if LABELS_SHIFT <= start <= promoted[0] - 7]
    restored = [value for start, value in auc.items() if start > promoted[-1]]
    assert lost
    assert restored
    assert max(lost) < 0.6
    assert min(restored) > 0.7
    assert len(replay.retrained) <= 4


def test_report_and_dashboard_show_the_history(replay: Replay, services: Services, tmp_path: Path) -> None:
    shown = replay.publish(services.workspace, tmp_path)
    assert "retraining-" in shown.report.document
    assert shown.report.document.count("<svg") >= 10
    assert shown.report.colours() > 50
    for page in shown.dashboard:
        assert "<svg" in page.document
        assert "not found" not in page.document.lower()
        assert page.colours() > 50
