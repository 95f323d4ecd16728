"""Total variation distance of two binned samples: half the sum of the absolute differences of shares.

The largest difference of probability that any set of bins can have. D. A. Levin, Y. Peres, Markov Chains and Mixing
Times, 2nd ed., 2017, prop. 4.2.
"""

import numpy as np

from ml_code.platform.data_checks.columns import Counts


def total_variation(present: Counts, baseline: Counts) -> float | None:
    """The distance, 0 to 1; None when one side has no values. Both count the same bins."""
    if not present.sum() or not baseline.sum():
        return None
    return float(np.abs(present / present.sum() - baseline / baseline.sum()).sum() / 2)
