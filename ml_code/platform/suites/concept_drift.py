"""Tests of concept drift that any project runs on its own data: a subclass says which rows, pytest does the rest.

    class TestConceptDrift(ConceptDriftSuite):
        @pytest.fixture(scope="class")
        @classmethod
        def rows(cls) -> History:
            return History(frame, features=("age", "visits"), label="outcome", day="record_date")

Concept drift is a change of P(outcome | features), covariate drift one of P(features) alone (Gama et al., "A survey on
concept drift adaptation", ACM Computing Surveys 46, 2014). Each test names the one that it looks for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import lightgbm
import numpy as np
import pandas as pd

from ml_code.platform.evaluation.metrics import Floats, auc
from ml_code.platform.features.preparation import Matrix

_FOLDS = 5
_PARAMETERS = {
    "objective": "binary",
    "verbosity": -1,
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 50,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 1,
}
_ROUNDS = 80


@dataclass(frozen=True)
class History:
    """Labelled rows of a project over time: numeric features, an outcome of 0 or 1, the day of each row."""

    frame: pd.DataFrame
    features: tuple[str, ...]
    label: str
    day: str
    periods: int = 4

    def parts(self) -> list[pd.DataFrame]:
        """The rows in so many periods of about as many rows each, oldest first; a day is never divided."""
        days = pd.to_datetime(self.frame[self.day])
        rank = days.rank(method="min", pct=True).to_numpy()
        period = np.minimum((rank * self.periods).astype(int), self.periods - 1)
        return [self.frame[period == number] for number in range(self.periods)]

    def matrix(self, rows: pd.DataFrame) -> Matrix:
        """Rows x features, missing values as NaN."""
        return rows[list(self.features)].to_numpy(dtype=np.float64, na_value=np.nan)

    def outcome(self, rows: pd.DataFrame) -> Floats:
        """The outcome of the rows."""
        return rows[self.label].to_numpy(dtype=np.float64)

    @cached_property
    def later(self) -> list["Later"]:
        """Each period but the first, with a model of all before it and one of the period itself."""
        parts = self.parts()
        return [_later(self, pd.concat(parts[:number]), parts[number], number) for number in range(1, self.periods)]


@dataclass(frozen=True)
class Later:
    """A later period: what a model of the past reaches on it, and what one of its own rows (cross-fitted) does."""

    period: int
    rows: int
    outcomes: int
    past: float
    own: float
    told_apart: float
    predicted_rate: float
    observed_rate: float

    @property
    def standard_error(self) -> float:
        """Of an AUC (Hanley and McNeil, Radiology 143, 1982)."""
        q1, q2 = self.past / (2 - self.past), 2 * self.past**2 / (1 + self.past)
        positives, negatives = self.outcomes, self.rows - self.outcomes
        spread = self.past * (1 - self.past) + (positives - 1) * (q1 - self.past**2)
        spread += (negatives - 1) * (q2 - self.past**2)
        return float(np.sqrt(spread / max(positives * negatives, 1)))


class ConceptDriftSuite:
    """Subclass it as `Test…` with a fixture `rows`; the limits are class attributes that a project may set."""

    least_outcomes = 20
    """Fewer outcomes than these in a period say nothing."""
    lost_auc = 0.05
    """How much less a model of the past may reach on a period than the period's own, beside two standard errors."""
    told_apart_auc = 0.65
    """How well old rows and new ones may be told apart by their features."""
    rate_ratio = 1.5
    """How far the observed rate of outcomes may be from the predicted one, either way."""

    def test_periods_hold_enough_outcomes(self, rows: History) -> None:
        """Else the other tests would pass or fail by chance."""
        few = [
            f"period {later.period}: {later.outcomes}" for later in rows.later if later.outcomes < self.least_outcomes
        ]
        assert not few, f"fewer than {self.least_outcomes} outcomes ({'; '.join(few)}): use fewer periods or more rows"

    def test_a_model_of_the_past_holds_on_what_came_after(self, rows: History) -> None:
        """Concept drift: the same features have come to mean something else."""
        lost = [
            f"period {later.period}: AUC {later.past:.3f}, its own model {later.own:.3f}"
            for later in rows.later
            if later.own - later.past > self.lost_auc + 2 * later.standard_error
        ]
        assert not lost, f"a model of the past falls behind by more than {self.lost_auc:g}: {'; '.join(lost)}"

    def test_outcomes_are_as_frequent_as_predicted(self, rows: History) -> None:
        """Concept drift that a ranking does not show: the same features, another rate of outcomes."""
        off = [
            f"period {later.period}: predicted {later.predicted_rate:.3f}, observed {later.observed_rate:.3f}"
            for later in rows.later
            if not 1 / self.rate_ratio <= later.observed_rate / later.predicted_rate <= self.rate_ratio
        ]
        assert not off, f"rates differ by more than a factor of {self.rate_ratio:g}: {'; '.join(off)}"

    def test_old_and_new_rows_cannot_be_told_apart(self, rows: History) -> None:
        """Covariate drift, by adversarial validation: a classifier of the period, cross-fitted."""
        apart = [
            f"period {later.period}: AUC {later.told_apart:.3f}"
            for later in rows.later
            if later.told_apart > self.told_apart_auc
        ]
        assert not apart, f"the features tell old rows from new ones: {'; '.join(apart)}"


def _later(history: History, before: pd.DataFrame, part: pd.DataFrame, number: int) -> Later:
    outcome, matrix = history.outcome(part), history.matrix(part)
    predicted = _fitted(history.matrix(before), history.outcome(before), matrix)
    both = np.concatenate([history.matrix(before), matrix])
    age = np.repeat([0.0, 1.0], [len(before), len(part)])
    return Later(
        period=number + 1,
        rows=len(part),
        outcomes=int(outcome.sum()),
        past=auc(outcome, predicted),
        own=auc(outcome, _cross_fitted(matrix, outcome)),
        told_apart=auc(age, _cross_fitted(both, age)),
        predicted_rate=float(predicted.mean()),
        observed_rate=float(outcome.mean()),
    )


def _cross_fitted(matrix: Matrix, outcome: Floats) -> Floats:
    """Each row's prediction by a model that has not seen it."""
    predicted = np.empty(len(outcome))
    for inside, outside in _folds(len(outcome)):
        predicted[outside] = _fitted(matrix[inside], outcome[inside], matrix[outside])
    return predicted


def _folds(rows: int) -> Iterator[tuple[Matrix, Matrix]]:
    fold = np.random.default_rng(1).permutation(rows) % _FOLDS
    for number in range(_FOLDS):
        yield fold != number, fold == number


def _fitted(matrix: Matrix, outcome: Floats, asked: Matrix) -> Floats:
    booster = lightgbm.train(_PARAMETERS, lightgbm.Dataset(matrix, outcome, params={"verbosity": -1}), _ROUNDS)
    return np.asarray(booster.predict(asked), dtype=np.float64)
