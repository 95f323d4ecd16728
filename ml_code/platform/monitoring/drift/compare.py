"""All drift measures of a column against its baseline at once.

What is left out, and what happens where there is nothing to compare: nulls, NaN and infinities count for none of the
measures (their shares are in the profile). A side without values, or columns of different kinds, give None for every
measure. New categories count as categories of which the baseline has none; a number that the baseline never had
falls into an outer bin, or into a bin of its own where the baseline has few distinct numbers. A constant column is
an ordinary case: equal constants give 0, different ones the largest value.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from ml_code.platform.data_checks.bins import bins_of, counted
from ml_code.platform.data_checks.columns import Categories, Counts, Floats, Prepared
from ml_code.platform.monitoring.drift.chi_square import ChiSquare, chi_square
from ml_code.platform.monitoring.drift.jensen_shannon import jensen_shannon
from ml_code.platform.monitoring.drift.kolmogorov_smirnov import KolmogorovSmirnov, largest_gap, pvalue
from ml_code.platform.monitoring.drift.l_infinity import l_infinity
from ml_code.platform.monitoring.drift.merging import steps
from ml_code.platform.monitoring.drift.population_stability_index import population_stability_index
from ml_code.platform.monitoring.drift.total_variation import total_variation
from ml_code.platform.monitoring.drift.wasserstein import area, settled


@dataclass(frozen=True)
class DriftValues:
    """Drift of one column. Numbers have no chi-square test; texts and booleans no rank test and no distance in units.

    The four that count bins are of the bins of `data_checks.bins` for numbers, of all categories for texts.
    """

    ks_test: KolmogorovSmirnov | None = None
    chi_squared_test: ChiSquare | None = None
    wasserstein_distance: float | None = None
    population_stability_index: float | None = None
    js_distance: float | None = None
    tv_distance: float | None = None
    l_infinity_distance: float | None = None


def compare(column: Prepared, baseline: Prepared, *, exact: bool = True) -> DriftValues:
    """Every measure that the column's kind has. Not `exact`: the p-value of the rank test is the limit for its size."""
    if not column.values or not baseline.values:
        return DriftValues()
    if column.kind == baseline.kind and column.ordered is not None and baseline.ordered is not None:
        return _numbers(column, baseline, column.ordered, baseline.ordered, exact=exact)
    if column.categories is not None and baseline.categories is not None:
        present, before = aligned(column.categories, baseline.categories)
        return _binned(present, before, chi_squared_test=chi_square(present, before))
    return DriftValues()


def aligned(column: Categories, baseline: Categories) -> tuple[Counts, Counts]:
    """Counts of both over the categories that either has, in the same order."""
    place = pc.fill_null(pc.index_in(column.values, value_set=baseline.values), -1)
    at = np.asarray(place.to_numpy(zero_copy_only=False), dtype=np.int64)
    known = at >= 0
    present = np.zeros(len(baseline.counts), dtype=np.int64)
    present[at[known]] = column.counts[known]
    new = column.counts[~known]
    return np.concatenate([present, new]), np.concatenate([baseline.counts, np.zeros(len(new), dtype=np.int64)])


def _numbers(column: Prepared, baseline: Prepared, present: Floats, before: Floats, *, exact: bool) -> DriftValues:
    gap, between = 0, 0.0
    for values, difference in steps(present, before):
        gap = max(gap, largest_gap(values, difference))
        between += area(values, difference)
    pairs = len(present) * len(before)
    ks_test = KolmogorovSmirnov(gap / pairs, pvalue(gap / pairs, present, before, exact=exact))
    distance = settled(between, present, before)
    bins = bins_of(baseline)
    counts = counted(column, bins) if bins else None
    if bins is None or counts is None:
        return DriftValues(ks_test=ks_test, wasserstein_distance=distance)
    return _binned(counts, np.asarray(bins.counts), ks_test=ks_test, wasserstein_distance=distance)


def _binned(
    present: Counts,
    baseline: Counts,
    ks_test: KolmogorovSmirnov | None = None,
    chi_squared_test: ChiSquare | None = None,
    wasserstein_distance: float | None = None,
) -> DriftValues:
    return DriftValues(
        ks_test=ks_test,
        chi_squared_test=chi_squared_test,
        wasserstein_distance=wasserstein_distance,
        population_stability_index=population_stability_index(present, baseline),
        js_distance=jensen_shannon(present, baseline),
        tv_distance=total_variation(present, baseline),
        l_infinity_distance=l_infinity(present, baseline),
    )
