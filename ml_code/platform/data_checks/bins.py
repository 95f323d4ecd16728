"""Bins made from a baseline column, and how many values of another column fall into each.

A number with at most `MANY` distinct values has one bin a value; any other has bins between the deciles of the baseline
(bin i is above cut i-1 and up to cut i; the outer bins are open). Texts have one bin for each of the most frequent
values. Values that the baseline does not have fall into one more bin, the last.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_code.platform.data_checks.columns import ORDERED, Counts, Floats, Prepared

MANY = 10
"""A number with more distinct values than these is cut at its deciles, so that it has about as many bins."""
DECILES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))
MOST_CATEGORIES = 100


@dataclass(frozen=True)
class Bins:
    """Where the bins are, and how many values of the baseline each has (the last: what fits nowhere else)."""

    by: Literal["cuts", "values", "categories"]
    at: tuple[float, ...] | tuple[str, ...]
    counts: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"by": self.by, "at": list(self.at), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Bins":
        """From the JSON form."""
        return cls(raw["by"], tuple(raw["at"]), tuple(raw["counts"]))


def bins_of(baseline: Prepared) -> Bins | None:
    """The bins of a baseline; None when it has no values or is of a kind without any."""
    if baseline.values == 0:
        return None
    by, at = _places(baseline)
    return Bins(by, at, tuple(counts_in(by, at, baseline).tolist()))


def counted(column: Prepared, bins: Bins) -> Counts | None:
    """How many of the column's values fall into each bin of a baseline; None when the column is of another kind."""
    if (bins.by == "categories") == (column.kind in ORDERED) or column.kind == "other":
        return None
    return counts_in(bins.by, bins.at, column)


def counts_in(by: str, at: tuple[Any, ...], column: Prepared) -> Counts:
    """Counts by bin, the last for values that fit nowhere else (none can where bins are cuts)."""
    if column.categories is not None:
        place = pc.index_in(pa.array(at, pa.large_string()), value_set=column.categories.values)
        taken = np.asarray(pc.fill_null(place, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
        inside = np.where(taken >= 0, np.append(column.categories.counts, 0)[taken], 0)
        return np.append(inside, column.values - inside.sum())
    ordered = _numbers(column)
    places = np.asarray(at, dtype=np.float64)
    upper = np.searchsorted(ordered, places, side="right")
    if by == "cuts":
        return np.diff(upper, prepend=0, append=len(ordered)).astype(np.int64)
    inside = upper - np.searchsorted(ordered, places, side="left")
    return np.append(inside, len(ordered) - inside.sum()).astype(np.int64)


def _places(baseline: Prepared) -> tuple[Literal["cuts", "values", "categories"], tuple[Any, ...]]:
    if baseline.categories is not None:
        values = baseline.categories.values.take(pa.array(_most_frequent(baseline.categories.counts, MOST_CATEGORIES)))
        return "categories", tuple(values.to_pylist())
    ordered = _numbers(baseline)
    if (baseline.distinct or 0) <= MANY:
        return "values", tuple(np.unique(ordered).tolist())
    ranks = (np.ceil(np.asarray(DECILES) * len(ordered)) - 1).astype(np.int64)
    return "cuts", tuple(np.unique(ordered[ranks]).tolist())


def _most_frequent(counts: Counts, most: int) -> Counts:
    return np.argsort(-counts, kind="stable")[:most]


def _numbers(column: Prepared) -> Floats:
    return column.ordered if column.ordered is not None else np.zeros(0)
