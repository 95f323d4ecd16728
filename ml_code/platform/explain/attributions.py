"""What a model goes by as a whole: contributions of many rows, summed up by feature."""

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np

from ml_code.platform.explain.contributions import Floats, contributions_in_chunks
from ml_code.platform.features.preparation import Matrix


@dataclass(frozen=True)
class Attribution:
    """One feature (of one class, in a multi-class model).

    `mean` is the mean absolute contribution on the raw scale; `share` its part of all features'. `direction` is the
    correlation (Pearson) of the feature's value with its contribution: near 1 where more of it raises the prediction,
    near -1 where it lowers it, near 0 where it does neither throughout; None where one of the two is constant.
    """

    feature: str
    mean: float
    share: float
    direction: float | None


@dataclass(frozen=True)
class Attributions:
    """All features of a model on some rows, strongest first; `expected` is the raw prediction before any feature."""

    rows: int
    expected: float
    features: tuple[Attribution, ...]


def attributions(booster: lightgbm.Booster, matrix: Matrix, names: Sequence[str]) -> list[Attributions]:
    """Sums up the contributions of the rows: one entry, or one a class. Memory does not grow with the rows."""
    sums: list[_Sums] = []
    done = 0
    expected: Floats = np.empty(0)
    for expected, values in contributions_in_chunks(booster, matrix):  # noqa: B007  # equal in every chunk
        part = np.asarray(matrix[done : done + len(values)], dtype=np.float64)
        done += len(values)
        sums = sums or [_Sums(len(names)) for _ in range(values.shape[2])]
        for number, each in enumerate(sums):
            each.add(part, values[:, :, number])
    return [
        Attributions(done, float(start), each.features(names, done)) for start, each in zip(expected, sums, strict=True)
    ]


class _Sums:
    """Moments of feature values and contributions over the rows that have a value; absolute contributions over all."""

    def __init__(self, features: int) -> None:
        self._absolute = np.zeros(features)
        self._count = np.zeros(features)
        self._moments = np.zeros((5, features))
        self._origin: Floats | None = None

    def add(self, matrix: Floats, values: Floats) -> None:
        self._absolute += np.abs(values).sum(axis=0)
        there = np.isfinite(matrix)
        if self._origin is None:
            # Moments about a point near the values: those about zero lose their digits where a feature is large.
            self._origin = np.where(there, matrix, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        x = np.where(there, matrix - self._origin, 0)
        y = np.where(there, values, 0)
        self._count += there.sum(axis=0)
        self._moments += [x.sum(0), y.sum(0), (x * x).sum(0), (y * y).sum(0), (x * y).sum(0)]

    def features(self, names: Sequence[str], rows: int) -> tuple[Attribution, ...]:
        mean = self._absolute / rows
        total = float(mean.sum()) or 1.0
        directions = self._directions()
        return tuple(
            Attribution(names[place], float(mean[place]), float(mean[place] / total), directions[place])
            for place in np.argsort(-mean, kind="stable")
        )

    def _directions(self) -> list[float | None]:
        count = np.maximum(self._count, 1)
        x, y, xx, yy, xy = self._moments / count
        spread = (xx - x * x) * (yy - y * y)
        # What rounding leaves of a constant column's spread is no spread.
        constant = spread <= 1e-24 * np.maximum(xx * yy, 1e-300)
        correlation = (xy - x * y) / np.sqrt(np.where(constant, 1, spread))
        return [
            None if flat else float(np.clip(value, -1, 1)) for flat, value in zip(constant, correlation, strict=True)
        ]
