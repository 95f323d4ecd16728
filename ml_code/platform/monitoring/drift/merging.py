"""One walk over two sorted samples, which both the Kolmogorov-Smirnov statistic and the Wasserstein distance need."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ml_code.platform.data_checks.columns import Counts, Floats

_BLOCK = 1 << 16
_REPEATED = 8
"""From so many rows a distinct value on it is quicker to look the values up than to merge the rows."""


def steps(present: Floats, baseline: Floats, block: int = _BLOCK) -> Iterator[tuple[Floats, Counts]]:
    """Values of both samples in order, and after each the difference of their distribution functions times nm.

    Between one value and the next the difference holds; among equal values only the last one's counts. In whole
    numbers it is exact. Comes in blocks, so that memory is bounded and caches hold them: equal values are in one block,
    and a block begins with the last value of the one before.
    """
    n, m = len(present), len(baseline)
    last, last_there = _last_of_equals(present), _last_of_equals(baseline)
    if (np.count_nonzero(last) + np.count_nonzero(last_there)) * _REPEATED < n + m:
        points = np.union1d(present[last], baseline[last_there])
        seen, seen_there = (np.searchsorted(side, points, side="right") for side in (present, baseline))
        yield points, seen * m - seen_there * n
        return
    yield from _merged(present, baseline, block)


def _merged(present: Floats, baseline: Floats, block: int) -> Iterator[tuple[Floats, Counts]]:
    n, m = len(present), len(baseline)
    before: tuple[float, int] | None = None
    i = j = 0
    while i < n or j < m:
        top = _top(present[i:], baseline[j:], block)
        to_i = i + int(np.searchsorted(present[i:], top, side="right"))
        to_j = j + int(np.searchsorted(baseline[j:], top, side="right"))
        both = np.concatenate([present[i:to_i], baseline[j:to_j]])
        # Timsort sees two sorted runs: this is one merge.
        order = np.argsort(both, kind="stable")
        # m for a value of `present`, -n for one of the baseline: without a branch on a random mask.
        values, difference = both[order], (order < to_i - i) * (n + m) - n
        if before is not None:
            values, difference = np.append(before[0], values), np.append(before[1], difference)
        np.cumsum(difference, out=difference)
        yield values, difference
        before, i, j = (float(values[-1]), int(difference[-1])), to_i, to_j


def _last_of_equals(ordered: Floats) -> NDArray[np.bool_]:
    return np.append(ordered[1:] != ordered[:-1], True) if len(ordered) else np.zeros(0, dtype=np.bool_)


def _top(present: Floats, baseline: Floats, block: int) -> float:
    """The largest value of the next block."""
    ends = [float(rest[block - 1]) for rest in (present, baseline) if len(rest) > block]
    return min(ends) if ends else np.inf
