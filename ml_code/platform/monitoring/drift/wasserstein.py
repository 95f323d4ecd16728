"""First Wasserstein distance (earth mover's distance) of two samples of numbers, in the column's own unit.

The area between the two empirical distribution functions, integral of |F(x) - G(x)| dx: S. S. Vallender, Calculation
of the Wasserstein distance between probability distributions on the line, Theory of Probability and Its Applications
18 (1974); scipy's `wasserstein_distance`. Divide by the baseline's standard deviation to compare columns.
"""

import math

import numpy as np

from ml_code.platform.data_checks.columns import Counts, Floats
from ml_code.platform.monitoring.drift.merging import steps


def wasserstein(present: Floats, baseline: Floats) -> float | None:
    """The distance of two sorted samples; None when one has no values or it is too large for a double."""
    if not len(present) or not len(baseline):
        return None
    return settled(sum(area(values, gap) for values, gap in steps(present, baseline)), present, baseline)


def settled(summed: float, present: Floats, baseline: Floats) -> float | None:
    """The distance from the areas of all blocks."""
    distance = summed / (len(present) * len(baseline))
    return distance if math.isfinite(distance) else None


def area(values: Floats, difference: Counts) -> float:
    """The area within one block of `steps`, times nm."""
    # Not np.dot: its threads wait for each other by spinning, beside those that work on other columns.
    with np.errstate(over="ignore", invalid="ignore"):
        return float((np.abs(difference[:-1]) * np.diff(values)).sum())
