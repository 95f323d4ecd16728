"""First Wasserstein distance (earth mover's distance) of two samples of numbers, in the column's own unit.

The area between the two empirical distribution functions, integral of |F(x) - G(x)| dx: S. S. Vallender, Calculation
of the Wasserstein distance between probability distributions on the line, Theory of Probability and Its Applications
18 (1974); scipy's `wasserstein_distance`. Divide by the baseline's standard deviation to compare columns.
"""

import numpy as np

from ml_code.platform.data_checks.columns import Counts, Floats
from ml_code.platform.monitoring.drift.merging import steps


def wasserstein(present: Floats, baseline: Floats) -> float | None:
    """The distance of two sorted samples; None when one has no values."""
    if not len(present) or not len(baseline):
        return None
    summed = sum(area(values, difference) for values, difference in steps(present, baseline))
    return summed / (len(present) * len(baseline))


def area(values: Floats, difference: Counts) -> float:
    """The area within one block of `steps`, times nm."""
    return float(np.dot(np.abs(difference[:-1]), np.diff(values)))
