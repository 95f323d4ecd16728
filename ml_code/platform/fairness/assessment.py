"""How a model treats the groups of a sensitive column: decisions, errors and calibration, and how far groups are apart.

A rate says little where it is a share of few rows, and the largest of such rates less the smallest is large by chance
alone. So a group takes part in a disparity only when it has enough rows and, where the rate is a share of outcomes or
of non-outcomes, enough of those. The other groups are shown. For the same reason the interval of a disparity leans
upwards and may lie wholly above a value near zero; limits are held against the value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml_code.platform.evaluation.intervals import Estimate, Resampling, difference
from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.fairness.bootstrap import resampled_rates
from ml_code.platform.fairness.rates import RATES, disparities, rates_by_group

NOT_RECORDED = "not recorded"
"""The group of rows without a value: shown, never judged."""

# At 20 outcomes the standard error of a rate among them is at most 0.11, of the order of the limits that teams set.
SMALLEST_OUTCOMES = 20


@dataclass(frozen=True)
class Least:
    """How many rows, and how many outcomes as well as non-outcomes, a group needs to be judged."""

    rows: int
    outcomes: int = SMALLEST_OUTCOMES


@dataclass(frozen=True)
class Group:
    """One group: its rates with intervals, and whether it is judged by its rows and by its outcomes."""

    name: str
    rows: int
    outcomes: int
    judged: bool
    judged_by_outcomes: bool
    rates: dict[str, Estimate]


@dataclass(frozen=True)
class Assessment:
    """One model by one sensitive column. A disparity is NaN where fewer than two groups are judged by it."""

    column: str
    groups: tuple[Group, ...]
    disparities: dict[str, Estimate]


def assess(
    column: str,
    values: Iterable[Any],
    y: Floats,
    p: Floats,
    decision: float,
    least: Least,
    resampling: Resampling | None = None,
) -> Assessment:
    """A binary model with outcomes y and probabilities p, which decides positive from `decision` on.

    `values` has the group of each row, None where it is not recorded. Without `resampling` the intervals are NaN. The
    rates are those of rates.RATES, the disparities those of rates.DISPARITIES.
    """
    groups = group_names(values)
    if not len(groups) == len(y) == len(p):
        raise ValueError(f"{column}: {len(groups)} groups, {len(y)} outcomes, {len(p)} probabilities")
    if not len(groups):
        return Assessment(column, (), {})
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    decided = (p >= decision).astype(np.float64)
    found = rates_by_group(groups, y, p, decided)
    by_rows, by_outcomes = judged_groups(found, least)
    points = {name: found[name].to_numpy() for name in RATES}
    apart = _single(disparities(_as_resample(points), by_rows, by_outcomes))
    if resampling is None:
        rates = {name: [_bare(value) for value in values] for name, values in points.items()}
        between = {name: _bare(value) for name, value in apart.items()}
    else:
        drawn = _resamples(groups, list(found.index), y, p, decided, resampling)
        rates = {
            name: [resampling.interval(value, drawn[name][:, number]) for number, value in enumerate(values)]
            for name, values in points.items()
        }
        spread = disparities(drawn, by_rows, by_outcomes)
        between = {name: resampling.interval(value, spread[name]) for name, value in apart.items()}
    return Assessment(column, tuple(_groups(found, rates, by_rows, by_outcomes)), between)


def losses(
    assessment: Assessment, values: Iterable[Any], y: Floats, new: Floats, old: Floats, metric: str, by: Resampling
) -> dict[str, Estimate]:
    """By group that has enough outcomes: the metric of the old model less that of the new one, on the same rows."""
    groups = group_names(values)
    found = {}
    for group in assessment.groups:
        if group.judged_by_outcomes:
            rows = groups == group.name
            found[group.name] = difference(metric, y[rows], old[rows], new[rows], by)
    return found


def group_names(values: Iterable[Any]) -> NDArray[Any]:
    """The group of each row as text."""
    series = pd.Series(list(values), dtype="object")
    return series.where(series.notna(), NOT_RECORDED).astype(str).to_numpy(dtype=object)


def judged_groups(found: pd.DataFrame, least: Least) -> tuple[list[int], list[int]]:
    """Places of the groups with enough rows, and of those among them with enough outcomes and non-outcomes."""
    rows, outcomes = found["rows"].to_numpy(), found["outcomes"].to_numpy()
    by_rows = (rows >= least.rows) & (found.index != NOT_RECORDED)
    by_outcomes = by_rows & (np.minimum(outcomes, rows - outcomes) >= max(least.outcomes, 1))
    return np.flatnonzero(by_rows).tolist(), np.flatnonzero(by_outcomes).tolist()


def _resamples(
    groups: NDArray[Any], order: list[str], y: Floats, p: Floats, decided: Floats, resampling: Resampling
) -> dict[str, Floats]:
    # Numbered as they first occur while drawing: another name for a group draws the same rows.
    codes, names = pd.factorize(groups)
    places = [list(names).index(name) for name in order]
    return {name: rates[:, places] for name, rates in resampled_rates(codes, y, p, decided, resampling).items()}


def _groups(
    found: pd.DataFrame, rates: dict[str, list[Estimate]], by_rows: Sequence[int], by_outcomes: Sequence[int]
) -> Iterable[Group]:
    for number, name in enumerate(found.index):
        yield Group(
            name=str(name),
            rows=int(found["rows"].iloc[number]),
            outcomes=int(found["outcomes"].iloc[number]),
            judged=number in by_rows,
            judged_by_outcomes=number in by_outcomes,
            rates={rate: estimates[number] for rate, estimates in rates.items()},
        )


def _as_resample(points: dict[str, Floats]) -> dict[str, Floats]:
    return {name: values[None, :] for name, values in points.items()}


def _single(values: dict[str, Floats]) -> dict[str, float]:
    return {name: float(value[0]) for name, value in values.items()}


def _bare(value: float) -> Estimate:
    return Estimate(float(value), float("nan"), float("nan"))
