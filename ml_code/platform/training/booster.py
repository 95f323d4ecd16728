"""Fitting a LightGBM classifier so that the same rows and parameters give the same model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from ml_code.platform.features.preparation import Matrix

# One thread for each of so many rows: on a small sample threads only wait for each other.
_ROWS_A_THREAD = 20_000


@dataclass(frozen=True)
class Fitted:
    """A booster, the rounds that it uses and the gain of each feature."""

    booster: lightgbm.Booster
    rounds: int
    importance: dict[str, float]

    def predict(self, matrix: Matrix) -> Matrix:
        """Probability of the outcome by row."""
        return np.asarray(self.booster.predict(matrix), dtype=np.float64)

    def text(self) -> str:
        """The booster as LightGBM's text format."""
        return str(self.booster.model_to_string())


@dataclass(frozen=True)
class Rows:
    """A matrix and its outcomes."""

    matrix: Matrix
    outcome: Matrix


def fit(
    features: tuple[str, ...], training: Rows, parameters: Mapping[str, Any], *, rounds: int, seed: int, threads: int
) -> Fitted:
    """Boost for so many rounds."""
    fixed = {
        "objective": "binary",
        "metric": "binary_logloss",
        "verbosity": -1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": max(1, min(threads, len(training.matrix) // _ROWS_A_THREAD)),
    }
    data = lightgbm.Dataset(training.matrix, training.outcome, feature_name=list(features), params={"verbosity": -1})
    booster = lightgbm.train({**fixed, **parameters}, data, num_boost_round=rounds)
    gains = booster.feature_importance(importance_type="gain")
    return Fitted(booster, rounds, dict(zip(features, (float(gain) for gain in gains), strict=True)))
