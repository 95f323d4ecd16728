"""Two-sample Kolmogorov-Smirnov test.

The statistic is the largest distance of the two empirical distribution functions, sup |F(x) - G(x)|: N. V. Smirnov,
Table for estimating the goodness of fit of empirical distributions, Annals of Mathematical Statistics 19 (1948). The
two-sided p-value is scipy's: exact up to `EXACT` values a side, else that of the one-sample distribution for the size
N = nm/(n + m). From `LARGE` on that takes most of a second, so there it is Kolmogorov's limit with the correction of
J. Vrbik, Small-sample corrections to Kolmogorov-Smirnov test statistic, Pioneer Journal of Theoretical and Applied
Statistics 15 (2018): within 1 % of scipy's down to p = 1e-8. With ties p-values are conservative.

The exact p-value of unequal samples takes tens of milliseconds. Where thousands are wanted, not `exact` gives the limit
for every size: within 0.01 of the exact p-value when one sample has 100 values, within 0.1 when both have 20.
"""

from typing import NamedTuple

import numpy as np

from ml_code.platform.data_checks.columns import Counts, Floats
from ml_code.platform.monitoring.drift.merging import steps

EXACT = 10_000
LARGE = 5_000


class KolmogorovSmirnov(NamedTuple):
    """Statistic and two-sided p-value."""

    statistic: float
    pvalue: float


def kolmogorov_smirnov(present: Floats, baseline: Floats) -> KolmogorovSmirnov | None:
    """The test of two sorted samples; None when one has no values."""
    if not len(present) or not len(baseline):
        return None
    largest = max(largest_gap(values, difference) for values, difference in steps(present, baseline))
    statistic = largest / (len(present) * len(baseline))
    return KolmogorovSmirnov(statistic, pvalue(statistic, present, baseline))


def largest_gap(values: Floats, difference: Counts) -> int:
    """The largest distance within one block of `steps`, times nm."""
    settled = difference[np.append(values[1:] != values[:-1], True)]
    return int(max(settled.max(), -settled.min()))


def pvalue(statistic: float, present: Floats, baseline: Floats, *, exact: bool = True) -> float:
    """Two-sided p-value of a statistic of these samples."""
    n, m = len(present), len(baseline)
    size = n * m / (n + m)
    if exact and max(n, m) <= EXACT:
        # Imported where they are needed: scipy's statistics take a second to import.
        from scipy import stats

        return float(stats.ks_2samp(present, baseline).pvalue)
    if exact and size < LARGE:
        from scipy import stats

        return float(np.clip(stats.kstwo.sf(statistic, np.round(size)), 0.0, 1.0))
    from scipy import special

    root = statistic * np.sqrt(size)
    return float(special.kolmogorov(root + 1 / (6 * np.sqrt(size)) + (root - 1) / (4 * size)))
