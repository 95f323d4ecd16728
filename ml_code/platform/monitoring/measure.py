"""Brings `<log>_model_metrics` up to date window by window, in one commit.

As the monitor does (see `plan`): windows with new rows are measured whole; of windows with new or corrected labels only
what depends on labels is. What was done is read from the table itself, so a run that was killed is made up for by the
next, and a repeated one replaces what it had written. Attributions and skew are of whole windows, not of slices.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.evaluation.intervals import Estimate
from ml_code.platform.monitoring import attribution_drift, commits, retrying, schema, skew
from ml_code.platform.monitoring.attribution_drift import Sums
from ml_code.platform.monitoring.groups import Group, Key, groups_of_baseline, groups_of_window
from ml_code.platform.monitoring.measured_rows import Measurable, Measured, Measures, Quality, Row, needed_columns, rows_of
from ml_code.platform.monitoring.metric_tables import ALL_MODELS, TABLE
from ml_code.platform.monitoring.model_metrics import METRICS
from ml_code.platform.monitoring.monitored_log import MonitoredLog, checked, read, read_baseline
from ml_code.platform.monitoring.plan import Counts, Extent, Place, Seen, plan
from ml_code.platform.monitoring.skew import SkewCounts
from ml_code.platform.monitoring.slices import WHOLE, Slice
from ml_code.platform.monitoring.state import DOUBLED, present
from ml_code.platform.monitoring.windows import Granularity, Window, as_utc, covering, granularities, literal
from ml_code.platform.monitoring.windows import day as day_window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_WEEK = Granularity("1 week")
_WITH_LABELS = ("label_share", "label_changes", *(name for name, metric in METRICS.items() if metric.needs_labels))


@dataclass(frozen=True)
class Offline:
    """The feature table that online features are compared with: its rows (kept as the log keeps them) and their key."""

    rows: "DataFrame"
    key: str
    features: Sequence[str]


@dataclass(frozen=True)
class Task:
    """What is measured: a log by a quality; attributions by version against `baseline_of` a version; online skew."""

    log: MonitoredLog
    quality: Quality
    attributions: str | None = None
    baseline_of: Callable[[str], Mapping[str, float] | None] = lambda version: None
    offline: Offline | None = None

    @property
    def table(self) -> str:
        """Name of the table that is written."""
        return f"{self.log.table}_model_metrics"


@dataclass(frozen=True)
class Done:
    """Windows that were measured whole, windows of which only labels were new, and rows written."""

    whole: int
    labels: int
    rows: int


def measure(spark: "SparkSession", task: Task, date: datetime.date) -> Done:
    """Measure what is new or changed up to the logical day. Raises StepError."""
    slices = checked(spark, task.log)
    commits.create(spark, task.table, schema.MODEL_METRICS, schema.MODEL_METRICS_COMMENT)
    day = day_window(date)
    since = _WEEK.window(day.start - task.log.lookback).start
    now = present(spark, task.log, since, day.end).windows
    works = plan(now, _known(spark, task, since), day, labels_apart=True)
    extents = {place: work.profile for place, work in works.items() if work.profile is not Extent.NOTHING}
    if not extents:
        return Done(0, 0, 0)
    rows = _of_log(spark, task, slices, extents) if _there(extents, now) else []
    whole = [place for place, extent in extents.items() if extent is Extent.WHOLE and place[1] in now[place[0]]]
    if whole:
        rows += _of_attributions(spark, task, whole) + _of_skew(spark, task, whole)
    retrying.replace(spark, task.table, schema.MODEL_METRICS, rows, _condition(extents))
    counted = list(extents.values())
    return Done(counted.count(Extent.WHOLE), counted.count(Extent.LABEL), len(rows))


def _known(spark: "SparkSession", task: Task, since: datetime.datetime) -> Seen:
    """Rows, labels and corrections by window, as the table has them."""
    found = spark.table(task.table).where(
        f"model_version = '{ALL_MODELS}' AND slice_key IS NULL AND metric IN ('label_share', 'label_changes') "
        f"AND window.start >= {literal(since)}"
    )
    columns = ("granularity", "window.start AS start", "metric", "value", "count AS rows")
    known: dict[Granularity, dict[Window, Counts]] = {}
    for row in sorted(tables.to_arrow(found.selectExpr(*columns)).to_pylist(), key=lambda row: str(row["metric"])):
        granularity = granularities([row["granularity"]])[0]
        windows, window = known.setdefault(granularity, {}), granularity.window(as_utc(row["start"]))
        before = windows.get(window)
        if row["metric"] == "label_changes":
            windows[window] = DOUBLED if before else Counts(0, 0, round(row["value"] or 0))
        elif before == DOUBLED or (before and before.rows):
            windows[window] = DOUBLED
        else:
            labels = round((row["value"] or 0) * row["rows"])
            windows[window] = Counts(row["rows"], labels, before.corrections if before else 0)
    return known


def _of_log(spark: "SparkSession", task: Task, slices: Any, extents: Mapping[Place, Extent]) -> list[Row]:
    windows = {window for _, window in extents}
    rows = read(spark, task.log, slices, windows, needed_columns(task.log, task.quality))
    measurable = Measurable(rows, task.quality)
    before = _of_baseline(spark, task)
    timestamps = rows.table.column(task.log.timestamp)
    found: list[Row] = []
    for granularity in dict.fromkeys(granularity for granularity, _ in extents):
        for window, numbers in granularity.split(timestamps).items():
            extent = extents.get((granularity, window))
            if extent is not None:
                measured: dict[int, Measures] = {}
                for key, group in groups_of_window(rows, numbers).items():
                    found += rows_of(_place(granularity, window, key), _once(measured, measurable, key, group), before.get(key[1], {}))
    return [row for row in found if row["metric"] in _WITH_LABELS or _extent(extents, row) is Extent.WHOLE]


def _once(measured: dict[int, Measures], measurable: Measurable, key: Key, group: Group) -> Measures:
    """A group that stands for one model and for all models is measured once."""
    if id(group) not in measured:
        numbers = group.numbers
        found = measurable.labels(numbers) | measurable.performance(numbers)
        measured[id(group)] = found | (measurable.fairness(numbers) if key[1] == WHOLE else {})
    return measured[id(group)]
