"""How a model treats the groups of a sensitive column: decisions, errors and calibration, and how far groups are apart.

A rate says little where it is a share of few rows, and the largest of such rates less the smallest is large by chance
alone. So a group takes part in a disparity only when it has enough rows and, where the rate is a share of outcomes or
of non-outcomes, enough of those. The other groups are shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml_code.platform.evaluation.intervals import Estimate, Resampling, difference
from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.fairness.bootstrap import resampled_disparities, resampled_rates
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
    apart = disparities(groups, y, p, decided, by_rows, by_outcomes)
    rates = {name: _bare(found[name]) for name in RATES}
    between = dict(zip(apart, _bare(apart.values()), strict=True))
    if resampling is not None:
        # Numbered as they first occur: another name for a group draws the same rows.
        codes, names = pd.factorize(groups)
        drawn = resampled_rates(codes, y, p, decided, resampling)
        place = {name: number for number, name in enumerate(names)}
        rates = {
            name: [
                resampling.interval(point, drawn[name][:, place[str(group)]]) for group, point in found[name].items()
            ]
            for name in RATES
        }
        spread = resampled_disparities(drawn, [place[name] for name in by_rows], [place[name] for name in by_outcomes])
        between = {name: resampling.interval(point, spread[name]) for name, point in apart.items()}
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


def judged_groups(found: pd.DataFrame, least: Least) -> tuple[list[str], list[str]]:
    """Names of the groups with enough rows, and of those among them with enough outcomes and non-outcomes."""
    names = np.asarray(found.index, dtype=str)
    rows, outcomes = found["rows"].to_numpy(), found["outcomes"].to_numpy()
    by_rows = (rows >= least.rows) & (names != NOT_RECORDED)
    by_outcomes = by_rows & (np.minimum(outcomes, rows - outcomes) >= max(least.outcomes, 1))
    return names[by_rows].tolist(), names[by_outcomes].tolist()


def _groups(
    found: pd.DataFrame, rates: dict[str, list[Estimate]], by_rows: Sequence[str], by_outcomes: Sequence[str]
) -> Iterable[Group]:
    for number, name in enumerate(found.index):
        yield Group(
            name,
            int(found["rows"].iloc[number]),
            int(found["outcomes"].iloc[number]),
            name in by_rows,
            name in by_outcomes,
            {rate: estimates[number] for rate, estimates in rates.items()},
        )


def _bare(values: Iterable[float]) -> list[Estimate]:
    return [Estimate(float(value), float("nan"), float("nan")) for value in values]
