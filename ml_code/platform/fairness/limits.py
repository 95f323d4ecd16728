"""Limits of fairness as the settings have them, and which of them a version misses.

The point value is held against the limit, as in the promotion rule, and the interval stands beside it. To refuse only
what an interval proves would let a model pass for being wrong about few people: the smaller a group, the wider its
interval, the safer the harm. What chance alone makes of small groups is kept out by the least number of rows and of
outcomes instead. The cost of a refusal by mistake is small: the champion stays.

`{"mother_group": {"equal_opportunity_difference": 0.15, "worse_than_champion": 0.05, "smallest_outcomes": 20}}`:
by column the disparities of rates.DISPARITIES (a ratio is a lower limit, the others are upper ones) and, if wanted,
how much worse than the champion, in the promotion metric, a challenger may be for any group.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_code.platform.errors import StepError
from ml_code.platform.evaluation.intervals import Estimate
from ml_code.platform.fairness.assessment import SMALLEST_OUTCOMES, Assessment, Group
from ml_code.platform.fairness.rates import BY_ROWS, DISPARITIES
from ml_code.platform.limits import numbers, read_object
from ml_code.platform.registry.findings import Finding, at_least, at_most, not_judged

WORSE_THAN_CHAMPION = "worse_than_champion"
_SMALLEST_OUTCOMES = "smallest_outcomes"
_LOWER_LIMITS = {"demographic_parity_ratio"}

# What a reader needs to see by group to understand a disparity.
_BEHIND = {
    "demographic_parity_difference": ("selection_rate",),
    "demographic_parity_ratio": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "calibration_difference": ("calibration_gap",),
    "calibration_error": ("calibration_error",),
}
_MOST_GROUPS = 6


@dataclass(frozen=True)
class ColumnLimits:
    """Limits of one sensitive column: disparities, and the largest loss of a group against the champion."""

    disparities: Mapping[str, float]
    worse_than_champion: float | None
    smallest_outcomes: int


def read_limits(text: str, columns: Collection[str], where: str = "--fairness") -> dict[str, ColumnLimits]:
    """Limits by sensitive column from JSON. Raises StepError naming column, key and what was expected."""
    raw = read_object(text, where)
    if unknown := sorted(set(raw) - set(columns)):
        known = ", ".join(columns) or "none"
        raise StepError(f"{where}: {', '.join(unknown)} is no sensitive column of configs.yml; those are: {known}")
    return {column: _column(limits, f"{where}: {column}") for column, limits in raw.items()}


def findings(
    limits: ColumnLimits, assessment: Assessment, losses: Mapping[str, Estimate], metric: str
) -> Iterable[Finding]:
    """One finding a limit; `losses` has the champion's metric less the challenger's by group, {} without a champion."""
    for name, limit in limits.disparities.items():
        label = f"fairness.{assessment.column}.{name}"
        judged = [group for group in assessment.groups if _is_judged(group, name)]
        value = assessment.disparities.get(name)
        if len(judged) < 2 or value is None:
            yield not_judged(label, limit, f"fewer than two groups of {assessment.column} are large enough for {name}")
            continue
        rule = at_least if name in _LOWER_LIMITS else at_most
        said = f"{name} of {assessment.column} (interval {value.low:.3f} to {value.high:.3f}; {_rates(judged, name)})"
        yield rule(label, value.value, limit, said)
    if limits.worse_than_champion is not None:
        yield from _against_champion(limits.worse_than_champion, assessment, losses, metric)


def _against_champion(
    limit: float, assessment: Assessment, losses: Mapping[str, Estimate], metric: str
) -> Iterable[Finding]:
    label = f"fairness.{assessment.column}.{WORSE_THAN_CHAMPION}"
    judged = {group.name: losses[group.name] for group in assessment.groups if group.name in losses}
    defined = {name: loss for name, loss in judged.items() if math.isfinite(loss.value)}
    if not defined:
        why = f"there is no champion to compare with, or no group of {assessment.column} is large enough for it"
        yield not_judged(label, limit, why)
        return
    worst = max(defined, key=lambda name: defined[name].value)
    shown = sorted(defined.items(), key=lambda item: -item[1].value)[:_MOST_GROUPS]
    said = ", ".join(f"{name} {-loss.value:+.3f} [{-loss.high:+.3f}, {-loss.low:+.3f}]" for name, loss in shown)
    what = f"loss in {metric} against the champion, worst for {assessment.column} {worst} ({said}),"
    yield at_most(label, defined[worst].value, limit, what)


def _column(raw: Any, where: str) -> ColumnLimits:
    if not isinstance(raw, dict):
        raise StepError(f"{where}: expected limits by name, such as {{{DISPARITIES[0]}: 0.1}}, found {raw!r}")
    values = numbers(raw, (*DISPARITIES, WORSE_THAN_CHAMPION, _SMALLEST_OUTCOMES), where)
    smallest = values.pop(_SMALLEST_OUTCOMES, float(SMALLEST_OUTCOMES))
    if smallest < 1 or not smallest.is_integer():
        raise StepError(f"{where}.{_SMALLEST_OUTCOMES}: expected a whole number from 1 on, found {smallest:g}")
    worse = values.pop(WORSE_THAN_CHAMPION, None)
    return ColumnLimits(values, worse, int(smallest))


def _is_judged(group: Group, disparity: str) -> bool:
    return group.judged if disparity in BY_ROWS else group.judged_by_outcomes


def _rates(groups: list[Group], disparity: str) -> str:
    return "; ".join(_rate(groups, rate) for rate in _BEHIND[disparity])


def _rate(groups: list[Group], rate: str) -> str:
    ordered = sorted(groups, key=lambda group: -group.rates[rate].value)
    if len(ordered) > _MOST_GROUPS:
        half = _MOST_GROUPS // 2
        ordered = ordered[:half] + ordered[-half:]
    said = ", ".join(
        f"{group.name} {group.rates[rate].value:.3f} ({group.rows} rows, {group.outcomes} outcomes)"
        for group in ordered
    )
    return f"{rate.replace('_', ' ')}: {said}"
