"""Population stability index of two binned samples.

PSI = sum over bins of (p - q) ln(p / q), p and q the shares of the present and of the baseline: the Kullback-Leibler
divergences of both directions added. An empty bin counts as the share `LEAST`, or the index would be infinite.
N. Siddiqi, Credit Risk Scorecards, 2006, ch. 9; its usual reading: below 0.1 no change, from 0.25 on a large one.
Few rows move it by themselves: of samples of one distribution it is about (bins - 1)(1/n + 1/m) (B. Yurdakul,
Statistical Properties of the Population Stability Index, Western Michigan University, 2018).
"""

import numpy as np

from ml_code.platform.data_checks.columns import Counts

LEAST = 1e-4


def population_stability_index(present: Counts, baseline: Counts) -> float | None:
    """The index, from 0 on; None when one side has no values. Both count the same bins."""
    if not present.sum() or not baseline.sum():
        return None
    p = np.maximum(present / present.sum(), LEAST)
    q = np.maximum(baseline / baseline.sum(), LEAST)
    used = (present > 0) | (baseline > 0)
    return float(np.sum((p - q)[used] * np.log(p[used] / q[used])))
