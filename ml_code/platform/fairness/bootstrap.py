"""Rates on resamples of the rows: a bootstrap that is stratified by group.

Each resample draws from every group as many rows as it has, so a small group keeps its weight. fairlearn's own
bootstrap evaluates every metric on every resample; here a resample is counted by group, outcome, decision and bin of
the calibration curve, and all rates follow from the counts.
"""

import numpy as np
from numpy.typing import NDArray

from ml_code.platform.evaluation.intervals import Resampling
from ml_code.platform.evaluation.metrics import Floats

_BINS = 10

Drawn = dict[str, Floats]
"""Each rate: resamples x groups."""


def resampled_rates(codes: NDArray[np.intp], y: Floats, p: Floats, decided: Floats, resampling: Resampling) -> Drawn:
    """The rates of rates.RATES on every resample; `codes` number the groups of the rows from 0 without a gap."""
    by_group = np.lexsort((p, codes))
    code, outcome, probability, flag = codes[by_group], y[by_group], p[by_group], decided[by_group]
    sizes = np.bincount(code)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    first, size = starts[code], sizes[code]
    # As in metrics.calibration_curve: bins of equal row count in the order of the probabilities, here by group.
    bins = code * _BINS + (np.arange(len(code)) - first) * _BINS // size
    cells = code * 4 + 2 * outcome.astype(np.intp) + flag.astype(np.intp)

    groups, rng = len(sizes), np.random.default_rng(resampling.seed)
    counts = np.empty((resampling.resamples, groups, 2, 2))
    predicted = np.empty((resampling.resamples, groups))
    errors = np.empty((resampling.resamples, groups))
    for number in range(resampling.resamples):
        rows = first + (rng.random(len(code)) * size).astype(np.intp)
        counts[number] = np.bincount(cells[rows], minlength=groups * 4).reshape(groups, 2, 2)
        predicted[number] = np.bincount(code, probability[rows], groups)
        off = np.bincount(bins[rows], probability[rows] - outcome[rows], groups * _BINS)
        errors[number] = np.abs(off.reshape(groups, _BINS)).sum(axis=1)
    return _rates(counts, predicted / sizes, errors / sizes)


def _rates(counts: Floats, predicted: Floats, errors: Floats) -> Drawn:
    """From counts by resample, group, outcome and decision."""
    rows = counts.sum(axis=(2, 3))
    outcomes, others = counts[:, :, 1].sum(axis=2), counts[:, :, 0].sum(axis=2)
    observed = outcomes / rows
    with np.errstate(invalid="ignore"):
        return {
            "selection_rate": counts[:, :, :, 1].sum(axis=2) / rows,
            "true_positive_rate": counts[:, :, 1, 1] / outcomes,
            "false_positive_rate": counts[:, :, 0, 1] / others,
            "mean_predicted": predicted,
            "observed_rate": observed,
            "calibration_gap": predicted - observed,
            "calibration_error": errors,
        }
