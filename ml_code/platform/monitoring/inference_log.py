"""The inference log: one row a prediction, batch or online, with the features that it was made from.

A row of a batch prediction follows its row in the predictions table: the same member scored again on the same day, by
another version or from other features, replaces it; scored again with the same result it stays as it was first
written. What labels filled in belongs to the member and survives. Rows are removed by retention and erasure alone.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform.parts import Part, difference, write
from ml_code.platform.privacy.rules import Privacy, protected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BATCH, ONLINE, BASELINE = "batch", "online", "baseline"
LABEL_COLUMNS = ("label", "labelled_at", "label_changes")
_DECIDES = ("model", "model_version", "risk", "prediction", "band")
_ATTRIBUTION = ("request_id", "timestamp", "model_version", "expected", "contributions")


@dataclass(frozen=True)
class Layout:
    """What a project's log has between head and tail, and how it is kept.

    `attributes` are Spark SQL over the feature table by name; `secret` is the key of hashed columns.
    """

    key: str
    attributes: Mapping[str, str]
    features: tuple[str, ...]
    decision: float
    privacy: Privacy
    secret: bytes | None

    @property
    def described(self) -> tuple[str, ...]:
        """The columns that the privacy rules are for."""
        return (self.key, *self.attributes, *self.features)

    def of_features(self, frame: "DataFrame") -> "DataFrame":
        """Key, attributes and features of rows of the feature table; features that it lacks are null."""
        from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

        attributes = [F.expr(text).cast("string").alias(name) for name, text in self.attributes.items()]
        present = set(frame.columns)
        features = [
            (F.col(name) if name in present else F.lit(None)).cast("double").alias(name) for name in self.features
        ]
        return frame.select(self.key, *attributes, *features)

    def protect(self, frame: "DataFrame") -> "DataFrame":
        """The rows with key, attributes and features kept, hashed or dropped as declared."""
        there = set(frame.columns)
        return protected(frame, self.privacy, [name for name in self.described if name in there], self.secret)


@dataclass(frozen=True)
class ScoredDay:
    """One day's scoring: the day (of `scored_at`, UTC), its rows of the predictions table, and at most how many."""

    day: datetime.date
    predictions: "DataFrame"
    rows: int


def log_batch(spark: "SparkSession", log: str, day: ScoredDay, members: "DataFrame", layout: Layout) -> int:
    """Bring the log up to date with a scoring; returns how many rows were new or different.

    `members` has what `Layout.of_features` gives of the rows that were scored.
    """
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    rows = _batch_rows(day.predictions.join(members, layout.key), layout)
    decides = (*_DECIDES, *layout.attributes, *layout.features)
    part = Part(log, _within(day.day) & (F.col("source") == BATCH), ("request_id",), decides, carried=LABEL_COLUMNS)
    found = difference(spark, part, rows, day.rows)
    write(spark, part, rows, found)
    return found.count


def log_attributions(spark: "SparkSession", name: str, day: ScoredDay, explained: "DataFrame", layout: Layout) -> int:
    """The same for attributions; `explained` has key, expected value and contributions of the rows that were scored."""
    known = day.predictions.select(layout.key, "date", "scored_at", "model_version")
    rows = _identified(layout.protect(known.join(explained, layout.key)), layout).select(layout.key, *_ATTRIBUTION)
    part = Part(name, _within(day.day), ("request_id",), ("model_version", "expected", "contributions"))
    found = difference(spark, part, rows, day.rows)
    write(spark, part, rows, found)
    return found.count


def _within(day: datetime.date) -> Any:
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    # As limits of the column itself, which files are skipped by.
    start, end = (F.lit(limit.isoformat()).cast("timestamp") for limit in (day, day + datetime.timedelta(days=1)))
    return (F.col("timestamp") >= start) & (F.col("timestamp") < end)


def _batch_rows(joined: "DataFrame", layout: Layout) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    return _identified(layout.protect(joined), layout).select(
        "request_id",
        "timestamp",
        F.lit(BATCH).alias("source"),
        "model",
        "model_version",
        layout.key,
        *layout.attributes,
        *layout.features,
        "risk",
        (F.col("risk") >= F.lit(layout.decision)).cast("int").alias("prediction"),
        "band",
        "run_id",
        "commit",
    )


def _identified(rows: "DataFrame", layout: Layout) -> "DataFrame":
    """With request_id (from the key as it is kept), timestamp, and the version as text."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    return (
        rows.withColumn("request_id", F.concat_ws(":", F.col(layout.key), F.col("date").cast("string")))
        .withColumn("timestamp", F.col("scored_at"))
        .withColumn("model_version", F.col("model_version").cast("string"))
    )
