"""How far the groups of a sensitive column are apart in a window: the two differences that are watched over time.

Defined as fairlearn's metrics of the same names. Which groups are judged is decided as in validation: by enough rows
and, where a rate is a share of outcomes, enough outcomes and non-outcomes. Windows are many, so the rates are counted
here without fairlearn's frames.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.fairness.assessment import Least


def demographic_parity_difference(groups: Iterable[str | None], decided: NDArray[np.bool_], least: Least) -> float:
    """Largest share of positive decisions of a group less the smallest; NaN with fewer than two groups to judge."""
    codes, number = _codes(groups)
    there = codes >= 0
    rows = np.bincount(codes[there], minlength=number)
    positive = np.bincount(codes[there], decided[there], number)
    return _apart(positive, rows, rows >= least.rows)


def equal_opportunity_difference(
    groups: Iterable[str | None], decided: NDArray[np.bool_], outcome: Floats, least: Least
) -> float:
    """Largest recall of a group less the smallest, on labelled rows; NaN with fewer than two groups to judge."""
    codes, number = _codes(groups)
    there = codes >= 0
    rows = np.bincount(codes[there], minlength=number)
    outcomes = np.bincount(codes[there], outcome[there], number)
    found = np.bincount(codes[there], (outcome * decided)[there], number)
    enough = np.minimum(outcomes, rows - outcomes) >= max(least.outcomes, 1)
    return _apart(found, outcomes, (rows >= least.rows) & enough)


def _apart(part: NDArray[Any], whole: NDArray[Any], judged: NDArray[np.bool_]) -> float:
    return float(np.ptp(part[judged] / whole[judged])) if judged.sum() >= 2 else float("nan")


def _codes(groups: Iterable[str | None]) -> tuple[NDArray[np.int64], int]:
    values = np.asarray(list(groups), dtype=object)
    known = np.array([value is not None for value in values], dtype=bool)
    codes = np.full(len(values), -1, dtype=np.int64)
    names, codes[known] = np.unique(values[known].astype(str), return_inverse=True)
    return codes, len(names)
