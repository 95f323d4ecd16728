"""Statistics of one column as a profile table has them.

NaN and infinities are counted as values, but no other statistic sees them. A column without values has counts only.
"""

from typing import Any

import numpy as np
import pyarrow.compute as pc

from ml_code.platform.data_checks.columns import Categories, Floats, Prepared

FREQUENT = 100
"""Most frequent items of a column at most."""
QUANTILES = np.linspace(0, 1, 101)
_MICROSECONDS = 1e6
_SECONDS_OF_DAY = 86_400.0


def column_profile(column: Prepared, data_type: str) -> dict[str, Any]:
    """Columns of the profile table that are about this column. Times are in seconds since 1970, UTC."""
    found: dict[str, Any] = {
        "data_type": data_type,
        "count": column.rows - column.nulls,
        "num_nulls": column.nulls,
        "percent_null": _percent(column.nulls, column),
    }
    if column.distinct is not None:
        found |= {"distinct_count": column.distinct, "percent_distinct": _percent(column.distinct, column)}
    if column.kind == "numeric" and column.ordered is not None:
        return found | _of_numbers(column, column.ordered)
    if column.ordered is not None:
        return found | _of_times(column.ordered * (_SECONDS_OF_DAY if column.kind == "date" else 1 / _MICROSECONDS))
    if column.categories is not None:
        return found | _of_texts(column.categories, lengths=column.kind == "categorical")
    return found


def _of_numbers(column: Prepared, ordered: Floats) -> dict[str, Any]:
    zeros = int(np.searchsorted(ordered, 0.0, side="right") - np.searchsorted(ordered, 0.0, side="left"))
    found: dict[str, Any] = {
        "num_zeros": zeros,
        "percent_zeros": _percent(zeros, column),
        "num_nan": column.nans,
        "percent_nan": _percent(column.nans, column),
    }
    if not len(ordered):
        return found
    mean = float(ordered.mean())
    return found | {
        "avg": mean,
        "min": float(ordered[0]),
        "max": float(ordered[-1]),
        "median": _quantile(ordered, np.array([0.5]))[0],
        "quantiles": _quantile(ordered, QUANTILES),
        "stddev": float(np.sqrt(np.sum((ordered - mean) ** 2) / (len(ordered) - 1))) if len(ordered) > 1 else None,
    }


def _of_times(seconds: Floats) -> dict[str, Any]:
    if not len(seconds):
        return {}
    median = _quantile(seconds, np.array([0.5]))[0]
    return {"min": float(seconds[0]), "max": float(seconds[-1]), "median": median}


def _of_texts(categories: Categories, *, lengths: bool) -> dict[str, Any]:
    counts = categories.counts
    if not len(counts):
        return {}
    # Beyond the most frequent only ties of the last matter, so that the order by name is needed of few.
    least = np.partition(counts, -FREQUENT)[-FREQUENT] if len(counts) > FREQUENT else 1
    at = np.flatnonzero(counts >= least)
    items = sorted(
        zip((-counts[at]).tolist(), categories.values.take(at).to_pylist(), strict=True),
    )[:FREQUENT]
    found: dict[str, Any] = {"frequent_items": [{"item": item, "count": -count} for count, item in items]}
    if lengths:
        sizes = np.asarray(pc.utf8_length(categories.values))
        found |= {
            "min_length": float(sizes.min()),
            "max_length": float(sizes.max()),
            "avg_length": float(np.average(sizes, weights=counts)),
        }
    return found


def _quantile(ordered: Floats, at: Floats) -> list[float]:
    """Linear interpolation between sorted values (type 7 of Hyndman and Fan, as numpy's default)."""
    place = at * (len(ordered) - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    values: list[float] = (ordered[below] + (place - below) * (ordered[above] - ordered[below])).tolist()
    return values


def _percent(part: int, column: Prepared) -> float:
    return 100.0 * part / column.rows if column.rows else 0.0
