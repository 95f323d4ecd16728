"""The profile of a table: what each column looks like, in numbers small enough to keep with a model.

Statistics are of finite values; nulls, NaN and infinities are counted beside them. Dates and timestamps have least,
largest and median as ISO texts. Texts that occur once are never listed: they may name somebody.
"""

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_code.platform.data_checks.bins import Bins, bins_of
from ml_code.platform.data_checks.columns import Floats, Kind, Prepared, prepare
from ml_code.platform.data_checks.content_hash import RowHash, hash_frame
from ml_code.platform.data_checks.sources import FrameSource, Source, each_column

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
HISTOGRAM_BINS = 30
_FORMAT = 1
_TOO_LARGE_TO_SQUARE = 1e150


@dataclass(frozen=True)
class Histogram:
    """Bins of equal width from the least to the largest value; `edges` has one more than `counts`."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Lengths:
    """Characters of the texts, each text counted as often as it occurs."""

    minimum: int
    maximum: int
    mean: float


@dataclass(frozen=True)
class ColumnProfile:
    """One column. None: the column's kind has no such number, or there are no values to make it of."""

    name: str
    kind: Kind
    type: str
    rows: int
    nulls: int
    nans: int
    infinities: int
    distinct: int | None
    zeros: int | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    mean: float | None = None
    stddev: float | None = None
    median: float | str | None = None
    quantiles: tuple[float, ...] | None = None
    histogram: Histogram | None = None
    lengths: Lengths | None = None
    bins: Bins | None = None

    @property
    def null_share(self) -> float:
        """Nulls among the rows; 0 when there are no rows."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def values(self) -> int:
        """Finite values, texts or truths: what the statistics are of."""
        return sum(self.bins.counts) if self.bins else 0

    def top(self, most: int = 10) -> list[tuple[float | str, int]]:
        """The most frequent values with their counts, where the column has few enough to tell."""
        if self.bins is None or self.bins.by == "cuts":
            return []
        places: tuple[float | str, ...] = self.bins.at
        return sorted(zip(places, self.bins.counts, strict=False), key=lambda pair: -pair[1])[:most]

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "ColumnProfile":
        """From the JSON form."""
        made = dict(raw)
        if made["quantiles"] is not None:
            made["quantiles"] = tuple(made["quantiles"])
        if made["histogram"] is not None:
            made["histogram"] = Histogram(*(tuple(made["histogram"][key]) for key in ("edges", "counts")))
        if made["lengths"] is not None:
            made["lengths"] = Lengths(**made["lengths"])
        if made["bins"] is not None:
            made["bins"] = Bins.from_dict(made["bins"])
        return cls(**made)


@dataclass(frozen=True)
class TableProfile:
    """All columns by name, and the hash of the content they came from."""

    rows: int
    digest: str
    columns: dict[str, ColumnProfile]

    def as_dict(self) -> dict[str, Any]:
        """JSON form; it has no NaN and no infinities."""
        columns = [asdict(column) for column in self.columns.values()]
        return {"format": _FORMAT, "rows": self.rows, "digest": self.digest, "columns": columns}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "TableProfile":
        """From the JSON form. Raises ValueError when it was written in another format."""
        if raw.get("format") != _FORMAT:
            raise ValueError(f"profile of format {raw.get('format')}, expected {_FORMAT}")
        columns = [ColumnProfile.from_dict(column) for column in raw["columns"]]
        return cls(raw["rows"], raw["digest"], {column.name: column for column in columns})


def profile_table(
    source: Source,
    *,
    keys: Sequence[str] = (),
    look: Callable[[Prepared], None] = lambda column: None,
    threads: int = 2,
) -> TableProfile:
    """Profile and hash in one reading, column by column.

    `keys` count for the hash but are not profiled: they name somebody. `look` sees each prepared column while it is in
    memory, from several threads.
    """
    rows = source.rows()
    hashed = RowHash(rows)
    aligned = not isinstance(source, FrameSource)

    def visit(name: str, column: pa.ChunkedArray) -> ColumnProfile | None:
        if aligned:
            hashed.add(name, column)
        if name in keys:
            return None
        prepared = prepare(name, column)
        look(prepared)
        return profile_column(prepared)

    found = each_column(source, visit, threads=threads)
    done = hash_frame(source.frame) if isinstance(source, FrameSource) else hashed.done()
    return TableProfile(rows, done.digest, {name: column for name, column in found.items() if column is not None})


def profile_column(column: Prepared) -> ColumnProfile:
    """The numbers of one column."""
    counts: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "type": column.type,
        "rows": column.rows,
        "nulls": column.nulls,
        "nans": column.nans,
        "infinities": column.infinities,
        "distinct": column.distinct,
    }
    if not column.values:
        return ColumnProfile(**counts)
    if column.ordered is None:
        return ColumnProfile(**counts, lengths=_lengths(column), bins=_without_rare(bins_of(column)))
    ordered, kind = column.ordered, column.kind
    mean, stddev = moments(ordered) if kind == "numeric" else (None, None)
    return ColumnProfile(
        **counts,
        zeros=_zeros(ordered) if kind == "numeric" else None,
        minimum=_shown(ordered[0], kind),
        maximum=_shown(ordered[-1], kind),
        mean=mean,
        stddev=stddev,
        median=_shown(quantile(ordered, 0.5), kind),
        quantiles=tuple(quantile(ordered, share) for share in QUANTILES) if kind == "numeric" else None,
        histogram=_histogram(ordered),
        bins=bins_of(column),
    )


def quantile(ordered: Floats, share: float) -> float:
    """Linear between neighbours, as numpy's and Spark's `percentile`; the array has at least one value."""
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    part = at - low
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] * (1 - part) + ordered[high] * part)


def moments(values: Floats) -> tuple[float, float | None]:
    """Mean and sample standard deviation (None for a single value), also of numbers too large to be squared."""
    largest = max(abs(float(values[0])), abs(float(values[-1])), 0.0)
    if largest > _TOO_LARGE_TO_SQUARE:
        mean, stddev = moments(values / largest)
        return mean * largest, None if stddev is None else _finite(stddev * largest)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, None
    return mean, float(values.std(ddof=1, mean=np.float64(mean)))


def _zeros(ordered: Floats) -> int:
    return int(np.searchsorted(ordered, 0.0, side="right") - np.searchsorted(ordered, 0.0, side="left"))


def _histogram(ordered: Floats) -> Histogram | None:
    low, high = float(ordered[0]), float(ordered[-1])
    if not math.isfinite(high - low):
        return None
    if low == high:
        return Histogram((low, high), (len(ordered),))
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    below = np.searchsorted(ordered, edges[1:-1], side="left")
    counts = np.diff(below, prepend=0, append=len(ordered))
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()))


def _lengths(column: Prepared) -> Lengths | None:
    if column.categories is None or column.kind != "categorical":
        return None
    characters = np.asarray(pc.utf8_length(column.categories.values).to_numpy())
    mean = float(np.dot(characters, column.categories.counts) / column.values)
    return Lengths(int(characters.min()), int(characters.max()), mean)


def _without_rare(bins: Bins | None) -> Bins | None:
    if bins is None:
        return None
    kept = [(value, count) for value, count in zip(bins.at, bins.counts, strict=False) if count > 1]
    rest = sum(bins.counts) - sum(count for _, count in kept)
    return Bins(bins.by, tuple(str(value) for value, _ in kept), (*(count for _, count in kept), rest))


def _shown(value: float, kind: Kind) -> float | str:
    """A number as it is; days and microseconds since 1970 as ISO text, or as they are outside of the calendar."""
    unit = {"date": datetime.timedelta(days=1), "timestamp": datetime.timedelta(microseconds=1)}.get(kind)
    if unit is None:
        return float(value)
    try:
        moment = datetime.datetime(1970, 1, 1) + unit * round(float(value))
    except OverflowError:
        return float(value)
    return moment.date().isoformat() if kind == "date" else moment.isoformat()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
