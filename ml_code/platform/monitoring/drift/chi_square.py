"""Pearson's chi-square test that two samples of categories come from one distribution (homogeneity).

The statistic of the 2 x k table of counts, sum of (observed - expected)^2 / expected with expected counts from the
margins, k - 1 degrees of freedom, no continuity correction: K. Pearson, Philosophical Magazine 50 (1900); scipy's
`chi2_contingency(correction=False)`. Unlike a test of fit it allows that the baseline is a sample itself.
"""

from typing import NamedTuple

import numpy as np

from ml_code.platform.data_checks.columns import Counts


class ChiSquare(NamedTuple):
    """Statistic and p-value."""

    statistic: float
    pvalue: float


def chi_square(present: Counts, baseline: Counts) -> ChiSquare | None:
    """The test; None when one side has no values. One category on both sides: statistic 0, p-value 1."""
    from scipy.special import chdtrc

    n, m = int(present.sum()), int(baseline.sum())
    if not n or not m:
        return None
    together = (present + baseline).astype(np.float64)
    used = together > 0
    together = together[used]
    if len(together) < 2:
        return ChiSquare(0.0, 1.0)
    # For two rows the sum over both has this closed form.
    apart = present[used] * (m / n) - baseline[used]
    statistic = float(np.sum(apart**2 / together) * (n / m))
    return ChiSquare(statistic, float(chdtrc(len(together) - 1, statistic)))
