"""Late labels: outcomes join the predictions of the inference log by identifier, and are corrected there.

What is known of an identifier by a day is the set of its distinct (day, label) rows up to that day, in the order of
day, then label. Of those within the horizon of a prediction the last one stands; `labelled_at` is its day.
`label_changes` counts how often the label differs from the one before it in that order; where a table of labels is
corrected in place, so that a former label is only in the log, the correction counts as one. So the outcome does not
depend on the order of runs: rows that come one by one, all at once or twice end in the same log.

A day's run looks at nothing of later days, and leaves alone what a later day's run has found. A label that was known
before its prediction was made counts too.
"""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_code.platform import tables
from ml_code.platform.features.table import MERGE_LIMIT
from ml_code.platform.monitoring.inference_log import LABEL_COLUMNS
from ml_code.platform.tables import Column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

KEY, DAY, LABEL = "label_key", "label_day", "label_value"
"""The columns that labels come in: identifier as the log keeps it, day from which it was known, 0 or 1."""

_CHANGE = (
    Column("request_id", "string"),
    Column("label", "int"),
    Column("labelled_at", "timestamp"),
    Column("label_changes", "int"),
)


@dataclass(frozen=True)
class Labelled:
    """Rows of the log that got a label, and that got another one; labels without a prediction, and too late for any."""

    new: int
    corrected: int
    unknown: int
    late: int


def join_labels(
    spark: "SparkSession", log: str, key: str, labels: "DataFrame", through: datetime.date, horizon_days: int
) -> Labelled:
    """Write the labels known by a day into the rows of the log that they change; none: the table stays as it is."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    known = labels.where((F.col(DAY) <= F.lit(through).cast("date")) & F.col(LABEL).isNotNull()).distinct()
    predictions = spark.table(log).select("request_id", F.col(key).alias(KEY), "timestamp", *LABEL_COLUMNS)
    changed = _changed(predictions, known, through, horizon_days)
    counts = changed.agg(F.count("*").alias("all"), F.count_if(F.col("had").isNull()).alias("new")).collect()[0]
    _write(spark, log, changed.select(*(column.name for column in _CHANGE)), int(counts["all"]))
    unknown, late = _without_prediction(predictions, known, horizon_days)
    return Labelled(int(counts["new"]), int(counts["all"]) - int(counts["new"]), unknown, late)


def _changed(predictions: "DataFrame", known: "DataFrame", through: datetime.date, horizon_days: int) -> "DataFrame":
    """request_id, what the label columns become and `had`, the label before, of the rows that change."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    end = F.lit(through + datetime.timedelta(days=1)).cast("timestamp")
    open_rows = predictions.where(F.col("labelled_at").isNull() | (F.col("labelled_at") < end))
    within = F.col(DAY) <= F.date_add(F.to_date("timestamp"), horizon_days)
    before = F.lag(LABEL).over(Window.partitionBy("request_id").orderBy(DAY, LABEL))
    history = open_rows.join(known, KEY).where(within).withColumn("differs", (before != F.col(LABEL)).cast("int"))
    had = [F.first(name).alias(f"had_{name}") for name in LABEL_COLUMNS]
    last = F.max(F.struct(DAY, LABEL)).alias("last")
    latest = history.groupBy("request_id").agg(last, F.coalesce(F.sum("differs"), F.lit(0)).alias("differences"), *had)
    corrections = F.coalesce("had_label_changes", F.lit(0)) + F.coalesce(
        (F.col("had_label") != F.col("last").getField(LABEL)).cast("int"), F.lit(0)
    )
    found = latest.select(
        "request_id",
        F.col("last").getField(LABEL).cast("int").alias("label"),
        F.col("last").getField(DAY).cast("timestamp").alias("labelled_at"),
        F.greatest(F.col("differences"), corrections).cast("int").alias("label_changes"),
        F.col("had_label").alias("had"),
        *(f"had_{name}" for name in LABEL_COLUMNS[1:]),
    )
    same = (
        F.col("label").eqNullSafe(F.col("had"))
        & F.col("labelled_at").eqNullSafe(F.col("had_labelled_at"))
        & F.col("label_changes").eqNullSafe(F.col("had_label_changes"))
    )
    return found.where(~same)


def _write(spark: "SparkSession", log: str, changed: "DataFrame", count: int) -> None:
    """A small MERGE; of too many rows for that, the days that they are in are replaced in one commit."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    if not count:
        return
    if count <= MERGE_LIMIT:
        # By way of this process: a MERGE reads its source more than once, and would join all labels each time.
        few = tables.from_arrow(spark, tables.to_arrow(changed), _CHANGE)
        tables.merge(spark, log, few, ["request_id"], insert=False)
        return
    table = spark.table(log)
    span = table.join(changed, "request_id", "left_semi").agg(F.min("timestamp"), F.max("timestamp")).collect()[0]
    condition = F.col("timestamp").between(*(F.lit(str(limit)).cast("timestamp") for limit in span))
    found = changed.select("request_id", *(F.col(name).alias(f"found_{name}") for name in LABEL_COLUMNS))
    rows = table.where(condition).join(found, "request_id", "left")
    for name in LABEL_COLUMNS:
        rows = rows.withColumn(name, F.coalesce(f"found_{name}", name))
    tables.replace_where(spark, log, rows, condition)


def _without_prediction(predictions: "DataFrame", known: "DataFrame", horizon_days: int) -> tuple[int, int]:
    """How many identifiers with a label have no prediction, and how many label rows came too late for all of theirs."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    latest = predictions.groupBy(KEY).agg(F.max("timestamp").alias("latest"))
    apart = known.join(latest, KEY, "left")
    too_late = F.col(DAY) > F.date_add(F.to_date("latest"), horizon_days)
    counts = apart.agg(
        F.count_distinct(F.when(F.col("latest").isNull(), F.col(KEY))).alias("unknown"),
        F.count_if(F.coalesce(too_late, F.lit(False))).alias("late"),
    ).collect()[0]
    return int(counts["unknown"]), int(counts["late"])
