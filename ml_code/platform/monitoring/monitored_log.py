"""An inference log as a monitor sees it: what its columns are, and reading it sliced into this process."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_code.platform import tables
from ml_code.platform.data_checks.columns import encoded
from ml_code.platform.errors import StepError
from ml_code.platform.monitoring.model_quality import Outcomes, Problem, outcomes
from ml_code.platform.monitoring.slices import Slicing, slicing
from ml_code.platform.monitoring.windows import Granularity, Window, literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# A longer predicate is slower to plan than a few more rows are to read.
_MOST_RANGES = 30


@dataclass(frozen=True)
class MonitoredLog:
    """An inference log, its baseline and the windows and slices that are wanted of them.

    `labelled_at` and `label_changes` change with the label alone. Columns of `uncompared`, such as identifiers, are
    profiled, but their distributions are not compared. Windows that lie further back than `lookback` are not looked at
    again.
    """

    table: str
    timestamp: str
    model: str
    prediction: str
    granularities: tuple[Granularity, ...]
    label: str | None = None
    probability: str | None = None
    problem: Problem = "classification"
    positive: str = "1"
    labelled_at: str | None = None
    label_changes: str | None = None
    uncompared: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    baseline: str | None = None
    lookback: datetime.timedelta = datetime.timedelta(days=180)

    @property
    def profile_table(self) -> str:
        """Name that a quality monitor gives to the profile table."""
        return f"{self.table}_profile_metrics"

    @property
    def drift_table(self) -> str:
        """Name that a quality monitor gives to the drift table."""
        return f"{self.table}_drift_metrics"

    @property
    def with_label(self) -> tuple[str, ...]:
        """Columns that a late or corrected label changes."""
        return tuple(name for name in (self.label, self.labelled_at, self.label_changes) if name)

    @property
    def for_quality(self) -> tuple[str, ...]:
        """Columns that the quality of the model is computed from, with those that say where a row belongs."""
        names = (self.timestamp, self.model, self.prediction, self.probability, *self.with_label)
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class Rows:
    """Rows in this process. `types` are the Spark types of the columns that are to be profiled."""

    table: pa.Table
    types: dict[str, str]
    slicing: Slicing
    log: MonitoredLog

    @cached_property
    def models(self) -> pa.ChunkedArray:
        """Model identifiers as text."""
        return self.table.column(self.log.model).cast(pa.string())

    @cached_property
    def outcomes(self) -> Outcomes | None:
        """Predictions that have a label; None where the log or the baseline has no such columns."""
        log, names = self.log, self.table.column_names
        if log.label is None or log.label not in names or log.prediction not in names:
            return None
        probability = self.table.column(log.probability) if log.probability in names else None
        return outcomes(
            log.problem, self.table.column(log.prediction), self.table.column(log.label), probability, log.positive
        )


def checked(spark: "SparkSession", log: MonitoredLog) -> Slicing:
    """The slices of a log whose table and columns are there. Raises StepError saying what is missing."""
    if not tables.exists(spark, log.table):
        raise StepError(f"there is no table {log.table} to monitor: run the job that writes it first")
    frame = spark.table(log.table)
    wanted = {*log.for_quality, *log.uncompared}
    if missing := sorted(wanted - set(frame.columns)):
        raise StepError(f"{log.table} has no column {', '.join(missing)}, which its monitor needs")
    return slicing(frame, log.slices, log.table)


def read(
    spark: "SparkSession",
    log: MonitoredLog,
    slices: Slicing,
    windows: Collection[Window],
    columns: Sequence[str] | None = None,
) -> Rows:
    """The rows of these windows: all columns, or some."""
    frame = spark.table(log.table)
    ranges = [f"(`{log.timestamp}` >= {literal(a)} AND `{log.timestamp}` < {literal(b)})" for a, b in _ranges(windows)]
    return _collect(frame.where(" OR ".join(ranges)), log, slices, columns)


def read_baseline(spark: "SparkSession", log: MonitoredLog) -> Rows | None:
    """All rows of the baseline table; None when there is none, or when it has no rows."""
    if log.baseline is None or not tables.exists(spark, log.baseline):
        return None
    frame = spark.table(log.baseline)
    rows = _collect(frame, log, slicing(frame, log.slices, log.baseline), None)
    return rows if rows.table.num_rows else None


def _collect(frame: "DataFrame", log: MonitoredLog, slices: Slicing, columns: Sequence[str] | None) -> Rows:
    types = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    names = list(types) if columns is None else list(columns)
    table = tables.to_arrow(frame.select(*(f"`{name}`" for name in names), *slices.columns()))
    # Texts once as numbers of one dictionary: every group of rows after this is cheap to count.
    quick = {
        name: column if name == log.model else encoded(column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return Rows(pa.table(quick).combine_chunks(), {name: types[name] for name in names}, slices, log)


def _ranges(windows: Collection[Window]) -> list[tuple[datetime.datetime, datetime.datetime]]:
    """The windows as few ranges of time, in order."""
    ranges: list[tuple[datetime.datetime, datetime.datetime]] = []
    for window in sorted(windows):
        if ranges and window.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], window.end))
        else:
            ranges.append((window.start, window.end))
    return ranges if len(ranges) <= _MOST_RANGES else [(ranges[0][0], ranges[-1][1])]
