"""What the metric tables say of a rule's metric: only the windows, columns and slices that the rule looks at."""

import datetime
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.data_checks.bins import DECILES, MANY
from ml_code.platform.monitoring import schema
from ml_code.platform.monitoring.judgement import Reading
from ml_code.platform.monitoring.metric_tables import ALL_MODELS
from ml_code.platform.monitoring.metric_tables import TABLE as WHOLE
from ml_code.platform.monitoring.noise import adjusted
from ml_code.platform.monitoring.rules import DAYS, EVERY, Rule
from ml_code.platform.monitoring.windows import Window, as_utc, literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BOOKKEEPING = frozenset(column.name for column in (*schema.LOG_HEAD, *schema.LOG_TAIL))
"""Columns of the log that `*` does not stand for; a rule on one of them names it."""

_Place = tuple[str, datetime.datetime | None, str | None]


def read(
    spark: "SparkSession", log: str, rule: Rule, until: datetime.datetime, keys: Collection[str] = ()
) -> list[Reading]:
    """Readings of the rule's metric in windows that ended by `until`; none where the table is not there yet.

    `keys` are further columns that identify rows, which `*` does not stand for.
    """
    name = f"{log}_{rule.table}_metrics"
    if not tables.exists(spark, name):
        return []
    frame = _windows(spark.table(name), rule, until)
    frame = _columns(frame, rule, BOOKKEEPING.union(keys))
    if rule.table == "drift":
        counts = _counts(spark, log, rule, until) if rule.minimum_rows or rule.adjust else {}
        return adjusted(rule, [_of_drift(row, rule, counts) for row in _drift(frame, rule)])
    if rule.table == "model":
        value, frame = "value", frame.where(f"metric = '{rule.metric}'")
    else:
        value, frame = rule.metric, frame.where("log_type = 'INPUT'")
    rows = _collect(frame, value, "count AS rows")
    return [Reading(row["column_name"], _window(row), row["value"], row["rows"], row["slice_value"]) for row in rows]


def _windows(frame: "DataFrame", rule: Rule, until: datetime.datetime) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    since = until - datetime.timedelta(days=rule.fresh_days + rule.of * DAYS[rule.granularity])
    return frame.where(
        f"granularity = '{rule.granularity}' AND model_version = '{ALL_MODELS}' "
        f"AND window.start >= {literal(since)} AND window.end <= {literal(until)}"
    ).where(F.col("slice_key").eqNullSafe(F.lit(rule.slice)))


def _columns(frame: "DataFrame", rule: Rule, bookkeeping: Collection[str]) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    if rule.looked_at != (EVERY,):
        return frame.where(F.col("column_name").isin(list(rule.looked_at)))
    if rule.table == "model":
        return frame.where(F.col("column_name") != WHOLE)
    return frame.where(~F.col("column_name").isin([WHOLE, *sorted(bookkeeping)]))


def _drift(frame: "DataFrame", rule: Rule) -> list[dict[str, Any]]:
    return _collect(
        frame.where(f"drift_type = '{rule.kind_of_drift}'"), rule.metric, "window_cmp.start AS compared_start"
    )


def _of_drift(row: dict[str, Any], rule: Rule, counts: dict[_Place, tuple[int, int]]) -> Reading:
    """With the rows on both sides, which the profile table knows."""
    column, of_slice = row["column_name"], row["slice_value"]
    rows, distinct = counts.get((column, row["start"], of_slice), (None, 0))
    other = row["compared_start"] if rule.kind_of_drift == "CONSECUTIVE" else None
    compared, before = counts.get((column, other, of_slice), (None, 0))
    return Reading(column, _window(row), row["value"], rows, of_slice, compared, _bins(distinct, before))


def _counts(spark: "SparkSession", log: str, rule: Rule, until: datetime.datetime) -> dict[_Place, tuple[int, int]]:
    """Values and distinct values by column, start of the window (None: the baseline) and slice."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    name = f"{log}_profile_metrics"
    if not tables.exists(spark, name):
        return {}
    profile = spark.table(name)
    of_slice = F.col("slice_key").eqNullSafe(F.lit(rule.slice))
    baseline = profile.where("log_type = 'BASELINE'").where(of_slice)
    wider = rule.model_copy(update={"of": rule.of + 1})
    found = []
    for frame in (_windows(profile.where("log_type = 'INPUT'"), wider, until), baseline):
        found += _collect(frame, "count", "distinct_count")
    return {
        (row["column_name"], row["start"], row["slice_value"]): (row["value"] or 0, row["distinct_count"] or 0)
        for row in found
    }


def _bins(distinct: int, before: int) -> int | None:
    """Bins of a comparison (data_checks.bins), as far as distinct values tell: one a value, else between deciles."""
    if not before:
        return None
    return len(DECILES) + 1 if before > MANY else before + int(distinct > before)


def _collect(frame: "DataFrame", value: str, *more: str) -> list[dict[str, Any]]:
    wanted = frame.selectExpr(
        "column_name", "window.start AS start", "window.end AS end", "slice_value", f"{value} AS value", *more
    )
    rows: list[dict[str, Any]] = tables.to_arrow(wanted).to_pylist()
    return rows


def _window(row: dict[str, Any]) -> Window:
    return Window(as_utc(row["start"]), as_utc(row["end"]))
