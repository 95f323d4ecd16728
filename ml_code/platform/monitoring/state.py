"""What the profile table knows, and what the log has: the two sides that a plan is made of."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_code.platform import tables
from ml_code.platform.monitoring.groups import Key
from ml_code.platform.monitoring.metric_tables import ALL_MODELS, TABLE
from ml_code.platform.monitoring.monitored_log import MonitoredLog
from ml_code.platform.monitoring.plan import Counts, Place, Seen, by_granularity
from ml_code.platform.monitoring.slices import Slice
from ml_code.platform.monitoring.windows import Granularity, Window, as_utc, granularities, literal

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DOUBLED = Counts(rows=-1)
"""Of a window that is in the profile table twice: it is like no window of the log, so it is computed again."""

_DAY = Granularity("1 day")
_HOUR = Granularity("1 hour")


@dataclass(frozen=True)
class Known:
    """Windows of the profile table, and the latest moment of any row that went into them."""

    windows: Seen
    latest: datetime.datetime | None


@dataclass(frozen=True)
class Present:
    """Windows of the log, rows of the day of the run, and rows in no window: after that day, or without a timestamp."""

    windows: Seen
    of_day: int
    later: int
    undated: int


def known(spark: "SparkSession", log: MonitoredLog, since: datetime.datetime) -> Known:
    """What the profile table has of windows from a moment on."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    names = [TABLE, log.timestamp, *log.with_label]
    found = (
        spark.table(log.profile_table)
        .where(f"log_type = 'INPUT' AND slice_key IS NULL AND `{log.model}` = '{ALL_MODELS}'")
        .where(f"window.start >= {literal(since)}")
        .where(F.col("column_name").isin(names))
        .groupBy("granularity", F.col("window.start").alias("start"), "column_name")
        .agg(
            F.count("*").alias("times"),
            F.max("count").alias("values"),
            F.max("avg").alias("mean"),
            F.max("max").alias("latest"),
        )
        .collect()
    )
    by_window: dict[tuple[str, datetime.datetime], dict[str, tuple[int, int, float, float]]] = {}
    for row in found:
        key = (row["granularity"], as_utc(row["start"]))
        by_window.setdefault(key, {})[row["column_name"]] = (row["times"], row["values"], row["mean"], row["latest"])
    windows: dict[Granularity, dict[Window, Counts]] = {}
    latest = 0.0
    for (name, start), columns in by_window.items():
        granularity = granularities([name])[0]
        windows.setdefault(granularity, {})[granularity.window(start)] = _counts(columns, log)
        if log.timestamp in columns:
            latest = max(latest, columns[log.timestamp][3] or 0.0)
    return Known(windows, datetime.datetime.fromtimestamp(latest, datetime.UTC) if latest else None)


def present(
    spark: "SparkSession", log: MonitoredLog, since: datetime.datetime, until: datetime.datetime, day: Window
) -> Present:
    """What the log has from a moment on, by reading its timestamps and, of the labels, whether they are there."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    unit = _HOUR if _HOUR in log.granularities else _DAY
    labels = F.count(f"`{log.label}`") if log.label else F.lit(0)
    corrections = F.sum(f"`{log.label_changes}`") if log.label_changes else F.lit(0)
    found = (
        spark.table(log.table)
        .where(f"`{log.timestamp}` >= {literal(since)} OR `{log.timestamp}` IS NULL")
        .groupBy(F.date_trunc(unit.name.removeprefix("1 "), F.col(f"`{log.timestamp}`")).alias("start"))
        .agg(F.count("*").alias("rows"), labels.alias("labels"), corrections.alias("corrections"))
        .collect()
    )
    undated = sum(int(row["rows"]) for row in found if row["start"] is None)
    buckets = [
        (unit.window(as_utc(row["start"])), Counts(row["rows"], row["labels"] or 0, row["corrections"] or 0))
        for row in found
        if row["start"] is not None
    ]
    later = sum(counts.rows for window, counts in buckets if window.start >= until)
    of_day = sum(counts.rows for window, counts in buckets if day.start <= window.start < day.end)
    dated = ((window, counts) for window, counts in buckets if window.start < until)
    return Present(by_granularity(dated, log.granularities), of_day, later, undated)


def stored_columns(
    spark: "SparkSession", log: MonitoredLog, places: Collection[Place]
) -> dict[Place, dict[Key, Sequence[str]]]:
    """The columns with values that the profile table has of each group of these windows."""
    if not places:
        return {}
    table = spark.table(log.profile_table).where(f"column_name = '{TABLE}' AND log_type = 'INPUT'")
    starts = ", ".join(sorted({literal(window.start) for _, window in places}))
    found = tables.to_arrow(
        table.where(f"window.start IN ({starts})").selectExpr(
            "granularity",
            "window.start AS start",
            f"`{log.model}` AS model",
            "slice_key",
            "slice_value",
            "non_null_columns",
        )
    )
    stored: dict[Place, dict[Key, Sequence[str]]] = {}
    for row in found.to_pylist():
        granularity = granularities([row["granularity"]])[0]
        place = (granularity, granularity.window(as_utc(row["start"])))
        stored.setdefault(place, {})[row["model"], Slice(row["slice_key"], row["slice_value"])] = (
            row["non_null_columns"] or ()
        )
    return stored


def _counts(columns: dict[str, tuple[int, int, float, float]], log: MonitoredLog) -> Counts:
    if any(times > 1 for times, *_ in columns.values()) or TABLE not in columns:
        return DOUBLED
    labels = columns[log.label][1] if log.label in columns else 0
    changes = columns.get(log.label_changes or "")
    corrections = round(changes[1] * (changes[2] or 0.0)) if changes else 0
    return Counts(columns[TABLE][1], labels, corrections)
