"""Brings `<log>_model_metrics` up to date window by window, in one commit.

As the monitor does (see `plan`): windows with new rows are measured whole; of windows with new or corrected labels only
what depends on labels is. What was done is read from the table itself, so a run that was killed is made up for by the
next, and a repeated one replaces what it had written. Attributions and skew are of whole windows, not of slices.
"""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.monitoring import commits, retrying, schema
from ml_code.platform.monitoring.groups import Group, groups_of_baseline, groups_of_window
from ml_code.platform.monitoring.measured_events import Attributions, Offline, attribution_rows, skew_rows
from ml_code.platform.monitoring.measured_rows import (
    Measurable,
    Measures,
    Quality,
    Row,
    needed_columns,
    place_of,
    rows_of,
)
from ml_code.platform.monitoring.metric_tables import ALL_MODELS
from ml_code.platform.monitoring.model_metrics import METRICS
from ml_code.platform.monitoring.monitored_log import MonitoredLog, checked, read, read_baseline
from ml_code.platform.monitoring.plan import Counts, Extent, Place, plan
from ml_code.platform.monitoring.slices import WHOLE, Slice, Slicing
from ml_code.platform.monitoring.state import DOUBLED, present
from ml_code.platform.monitoring.windows import Granularity, Window, as_utc, granularities, literal
from ml_code.platform.monitoring.windows import day as day_window

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_WEEK = Granularity("1 week")
_WITH_LABELS = ("label_share", "label_changes", *(name for name, metric in METRICS.items() if metric.needs_labels))


@dataclass(frozen=True)
class Task:
    """What is measured: the quality of a log's model, its attributions, and its online features against others."""

    log: MonitoredLog
    quality: Quality
    attributions: Attributions | None = None
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
    known = _known(spark, task, since)
    # Rows that went into windows stay in them, also when an earlier day is run again.
    shortest = known.get(task.log.granularities[0], {})
    until = max([day.end, *(window.end for window in shortest)])
    now = present(spark, task.log, since, until, day).windows
    works = plan(now, known, day, labels_apart=not _sliced_by_label(task.log))
    extents = {place: work.profile for place, work in works.items() if work.profile is not Extent.NOTHING}
    there = {place: extent for place, extent in extents.items() if place[1] in now[place[0]]}
    rows: list[Row] = []
    if there:
        rows += _of_log(spark, task, slices, there, until)
        whole = [place for place, extent in there.items() if extent is Extent.WHOLE]
        rows += attribution_rows(spark, task.attributions, whole, until) if task.attributions else []
        rows += skew_rows(spark, task.log, task.offline, whole, until) if task.offline else []
    if extents:
        retrying.replace(spark, task.table, schema.MODEL_METRICS, rows, _condition(extents))
    counted = list(extents.values())
    return Done(counted.count(Extent.WHOLE), counted.count(Extent.LABEL), len(rows))


def _sliced_by_label(log: MonitoredLog) -> bool:
    words = {word for text in log.slices for word in re.findall(r"\w+", text)}
    return bool(words & set(log.with_label))


def _known(spark: "SparkSession", task: Task, since: datetime.datetime) -> dict[Granularity, dict[Window, Counts]]:
    """Rows, labels and corrections by window, as the table has them."""
    found = spark.table(task.table).where(
        f"model_version = '{ALL_MODELS}' AND slice_key IS NULL AND metric IN ('label_share', 'label_changes') "
        f"AND window.start >= {literal(since)}"
    )
    columns = ("granularity", "window.start AS start", "metric", "value", "count AS rows")
    by_place: dict[Place, list[dict[str, Any]]] = {}
    for row in tables.to_arrow(found.selectExpr(*columns)).to_pylist():
        granularity = granularities([row["granularity"]])[0]
        by_place.setdefault((granularity, granularity.window(as_utc(row["start"]))), []).append(row)
    known: dict[Granularity, dict[Window, Counts]] = {}
    for (granularity, window), rows in by_place.items():
        values = {row["metric"]: row["value"] or 0.0 for row in rows}
        counts = Counts(
            rows[0]["rows"],
            round(values.get("label_share", 0) * rows[0]["rows"]),
            round(values.get("label_changes", 0)),
        )
        known.setdefault(granularity, {})[window] = counts if len(values) == len(rows) else DOUBLED
    return known


def _of_log(
    spark: "SparkSession", task: Task, slices: Slicing, extents: Mapping[Place, Extent], until: datetime.datetime
) -> list[Row]:
    """Labels, quality and fairness, by model and slice."""
    windows = [Window(window.start, min(window.end, until)) for _, window in extents]
    rows = read(spark, task.log, slices, windows, needed_columns(task.log, task.quality))
    measurable = Measurable(rows, task.quality)
    before = _of_baseline(spark, task)
    found: list[Row] = []
    for granularity in {granularity for granularity, _ in extents}:
        for window, numbers in granularity.split(rows.table.column(task.log.timestamp)).items():
            extent = extents.get((granularity, window), Extent.NOTHING)
            if extent is Extent.NOTHING:
                continue
            measured: dict[int, Measures] = {}
            for (model, slice_), group in groups_of_window(rows, numbers).items():
                # One group stands for all models and for the only one; it is measured once.
                if id(group) not in measured:
                    measured[id(group)] = _measures(measurable, group, slice_, extent)
                place = place_of(granularity, window, model or ALL_MODELS, slice_)
                found += rows_of(place, measured[id(group)], before.get(slice_, {}))
    return found


def _measures(measurable: Measurable, group: Group, slice_: Slice, extent: Extent) -> Measures:
    numbers = group.numbers
    found = measurable.labels(numbers) | measurable.performance(numbers)
    if slice_ == WHOLE:
        found |= measurable.fairness(numbers)
    return found if extent is Extent.WHOLE else {key: one for key, one in found.items() if key[0] in _WITH_LABELS}


def _of_baseline(spark: "SparkSession", task: Task) -> dict[Slice, Measures]:
    rows = read_baseline(spark, task.log)
    if rows is None:
        return {}
    measurable = Measurable(rows, task.quality)
    return {
        slice_: measurable.performance(group.numbers, intervals=False)
        | (measurable.fairness(group.numbers) if slice_ == WHOLE else {})
        for slice_, group in groups_of_baseline(rows).items()
    }


def _condition(extents: Mapping[Place, Extent]) -> str:
    """The rows that are replaced, as Spark SQL."""
    metrics = ", ".join(f"'{name}'" for name in _WITH_LABELS)
    only = {Extent.WHOLE: "", Extent.LABEL: f" AND metric IN ({metrics})"}
    starts: dict[tuple[str, Extent], list[str]] = {}
    for (granularity, window), extent in extents.items():
        starts.setdefault((granularity.name, extent), []).append(literal(window.start))
    return " OR ".join(
        f"(granularity = '{name}' AND window.start IN ({', '.join(moments)}){only[extent]})"
        for (name, extent), moments in starts.items()
    )
