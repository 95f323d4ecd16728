"""Ninety days of a model in use: quiet weeks, members that change, features that come to mean something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ml_code.conftest import Services, new_place
from tests.support.ninety_days import DAYS, FEATURES_BACK, FEATURES_SHIFT, LABELS_SHIFT, Replay

FOLDER = "/branchline/dev/reports"


@pytest.fixture(scope="module")
def replay(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    replay = Replay.begin(new_place(services), tmp_path_factory.mktemp("ninety") / "checkout")
    replay.live(range(DAYS))
    return replay


def test_quiet_weeks_raise_no_alert(replay: Replay) -> None:
    quiet = [*range(FEATURES_SHIFT + 7), *range(FEATURES_BACK + 14, LABELS_SHIFT + 14)]
    for rule in ("feature-drift", "prediction-drift", "auc"):
        assert not set(replay.firing(rule)) & set(quiet), rule


def test_members_that_change_are_caught_within_two_windows(replay: Replay) -> None:
    fired = replay.firing("feature-drift")
    assert fired
    assert fired[0] == FEATURES_SHIFT + 14 - 1  # the evening of the second week


def test_a_retraining_that_does_not_help_is_refused_and_not_repeated(replay: Replay) -> None:
    asked = {number: outcome for number, outcome in replay.retrained.items() if number < LABELS_SHIFT}
    assert list(asked.values()) == ["refuse"]


def test_features_that_mean_something_else_show_in_quality_alone(replay: Replay) -> None:
    assert not [number for number in replay.firing("feature-drift") if number >= LABELS_SHIFT]
    assert not [number for number in replay.firing("prediction-drift") if LABELS_SHIFT <= number < LABELS_SHIFT + 14]
    assert replay.firing("auc")[0] >= LABELS_SHIFT + 14


def test_a_retraining_restores_quality_and_is_promoted(replay: Replay) -> None:
    promoted = [number for number, outcome in replay.retrained.items() if outcome == "promote"]
    assert promoted
    auc = replay.measured("auc")
    lost = [value for start, value in auc.items() if LABELS_SHIFT <= start <= promoted[0] - 7]
    restored = [value for start, value in auc.items() if start > promoted[0]]
    assert max(lost) < 0.65 < min(restored)
    assert len(replay.retrained) <= 4
