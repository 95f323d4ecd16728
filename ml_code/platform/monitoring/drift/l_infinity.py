"""L-infinity (Chebyshev) distance of two binned samples: the largest absolute difference of one bin's share.

As TensorFlow Data Validation's drift comparator for categories has it (E. Breck et al., Data Validation for Machine
Learning, MLSys 2019, section 4).
"""

import numpy as np

from ml_code.platform.data_checks.columns import Counts


def l_infinity(present: Counts, baseline: Counts) -> float | None:
    """The distance, 0 to 1; None when one side has no values. Both count the same bins."""
    if not present.sum() or not baseline.sum():
        return None
    return float(np.abs(present / present.sum() - baseline / baseline.sum()).max())
