"""The suite passes on rows without drift, and each of its tests fails on the drift that it looks for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_code.platform.suites.concept_drift import ConceptDriftSuite, History


def history(*, turned: bool = False, moved: float = 0.0, rate: float = 0.0, rows: int = 6_000) -> History:
    """Made-up rows over 400 days; in the last quarter one thing is another."""
    rng = np.random.default_rng(3)
    late = np.arange(rows) >= rows * 3 // 4
    x = rng.normal(size=(rows, 4)) + moved * late[:, None]
    slope = np.where(late & turned, -1.5, 1.5)
    logit = -2.0 + slope * x[:, 0] + rate * late
    frame = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    frame["outcome"] = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    frame["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(rows) * 400 // rows, "D")
    return History(frame, ("a", "b", "c", "d"), "outcome", "day")


class TestWithoutDrift(ConceptDriftSuite):
    """What a project writes: the suite and its rows."""

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls) -> History:
        return history()


def test_features_that_mean_something_else_are_seen() -> None:
    with pytest.raises(AssertionError, match="period 4: AUC"):
        ConceptDriftSuite().test_a_model_of_the_past_holds_on_what_came_after(history(turned=True))


def test_another_rate_of_outcomes_is_seen() -> None:
    drifted = history(rate=1.5)
    with pytest.raises(AssertionError, match="period 4: predicted"):
        ConceptDriftSuite().test_outcomes_are_as_frequent_as_predicted(drifted)
    ConceptDriftSuite().test_old_and_new_rows_cannot_be_told_apart(drifted)


def test_members_of_another_kind_are_seen() -> None:
    with pytest.raises(AssertionError, match="period 4: AUC"):
        ConceptDriftSuite().test_old_and_new_rows_cannot_be_told_apart(history(moved=1.0))


def test_too_few_outcomes_are_said() -> None:
    with pytest.raises(AssertionError, match="use fewer periods or more rows"):
        ConceptDriftSuite().test_periods_hold_enough_outcomes(history(rows=200))


def test_a_day_is_never_divided() -> None:
    parts = history().parts()
    days = [set(part["day"]) for part in parts]
    assert sum(map(len, parts)) == 6_000
    assert all(not (one & other) for place, one in enumerate(days) for other in days[place + 1 :])
