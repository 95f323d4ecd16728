"""What chance alone does to drift metrics of many columns and few rows, taken out of them (`adjust` of a rule).

The population stability index of two samples of one distribution is about chi-square with bins - 1 degrees of freedom,
times (1/n + 1/m) for n and m rows: B. Yurdakul, Statistical Properties of the Population Stability Index, Western
Michigan University, 2018. Its mean is (bins - 1)(1/n + 1/m): 0.09 for 200 rows against 200 in ten bins, which is nearly
the usual limit of 0.1. Taken off is the value that chance exceeds in one of twenty windows in any of the rule's k
columns (Bonferroni: the quantile 1 - 0.05/k), so that quiet data stays at 0 in nineteen windows of twenty, whatever
the number of rows and columns; what remains is drift. The approximation is a little short where rows are few: by
simulation a quantile at ten rows a bin is 15 % higher, at twenty 5 to 8 %, which is added. With fewer than ten rows a
bin one bin may well be empty by chance, and what that adds to the index is allowed for; with fewer than four the index
is mostly noise, and such a window is not judged.

p-values become the least false discovery rate at which their column counts as changed: Y. Benjamini and Y. Hochberg,
Controlling the false discovery rate, Journal of the Royal Statistical Society B 57 (1995) 289-300.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ml_code.platform.monitoring.drift.population_stability_index import LEAST
from ml_code.platform.monitoring.judgement import Reading
from ml_code.platform.monitoring.rules import P_VALUES, Rule
from ml_code.platform.monitoring.windows import Window

FALSE_ALARMS = 0.05
"""Share of quiet windows in which any column's adjusted PSI may be above 0."""

LEAST_ROWS_A_BIN = 4
_FEW_ROWS_A_BIN = 10
_SHORTFALL = 1.5  # times bins over rows


def adjusted(rule: Rule, readings: Iterable[Reading]) -> list[Reading]:
    """The readings with chance taken out, where the rule asks for it. All columns of the rule go in together."""
    if not rule.adjust:
        return list(readings)
    families: dict[tuple[str | None, Window], list[Reading]] = {}
    for reading in readings:
        if reading.value is not None and np.isfinite(reading.value):
            families.setdefault((reading.slice_value, reading.window), []).append(reading)
    adjust = _false_discovery_rates if rule.metric in P_VALUES else _without_noise
    return [reading for family in families.values() for reading in adjust(family)]


def psi_noise(bins: int, rows: int, compared: int, columns: int = 1) -> float:
    """The PSI that chance exceeds, in any of so many columns, in FALSE_ALARMS of the windows."""
    from scipy.special import chdtri

    if bins < 2 or not rows or not compared:
        return 0.0
    fewest = min(rows, compared)
    shortfall = 1 + _SHORTFALL * bins / fewest
    expected = float(chdtri(bins - 1, FALSE_ALARMS / columns) * (1 / rows + 1 / compared) * shortfall)
    return expected + math.log(1 / bins / LEAST) / bins if fewest < _FEW_ROWS_A_BIN * bins else expected


def _without_noise(family: Sequence[Reading]) -> list[Reading]:
    # Without counts nothing is known of the noise, so such a column cannot be judged.
    known = [reading for reading in family if _least(reading) >= LEAST_ROWS_A_BIN * (reading.bins or 1)]
    return [replace(reading, value=max(0.0, (reading.value or 0.0) - _noise(reading, len(known)))) for reading in known]


def _least(reading: Reading) -> int:
    return min(reading.rows or 0, reading.compared or 0) if reading.bins else 0


def _noise(reading: Reading, columns: int) -> float:
    return psi_noise(reading.bins or 0, reading.rows or 0, reading.compared or 0, columns)


def _false_discovery_rates(family: Sequence[Reading]) -> list[Reading]:
    values = np.array([reading.value for reading in family], dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(len(values), 0, -1)
    rates = np.empty_like(values)
    rates[order] = np.minimum(1.0, np.minimum.accumulate(values[order] * len(values) / ranks))
    return [replace(reading, value=float(rate)) for reading, rate in zip(family, rates, strict=True)]
