"""Online/offline skew: features that online predictions were made from, against the feature table's of the same keys.

The comparison is with the feature table as it is when the window is measured. Two values differ when they are further
apart than the tolerance relative to the larger of them, or when one of them is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.monitoring.windows import Granularity, Window, as_utc, literal

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

TOLERANCE = 1e-6
"""Relative: what single precision on one side of a double on the other loses."""

ONLINE = "online"


@dataclass
class SkewCounts:
    """Online predictions: how many, how many have an offline row, how many of those differ, at all and by feature."""

    rows: int = 0
    found: int = 0
    differing: int = 0
    by_feature: dict[str, int] = field(default_factory=dict)

    def add(self, other: "SkewCounts") -> None:
        """Take in other rows."""
        self.rows += other.rows
        self.found += other.found
        self.differing += other.differing
        for feature, number in other.by_feature.items():
            self.by_feature[feature] = self.by_feature.get(feature, 0) + number


def read_counts(
    spark: "SparkSession",
    log: str,
    offline: "DataFrame",
    key: str,
    features: Sequence[str],
    span: Window,
    bucket: Granularity,
) -> dict[tuple[Window, str], SkewCounts]:
    """Counts by bucket of time and model version. `offline` has the key and the features of the feature table."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    rows = spark.table(log).where(
        f"source = '{ONLINE}' AND timestamp >= {literal(span.start)} AND timestamp < {literal(span.end)}"
    )
    if not rows.limit(1).count():
        return {}
    aside = offline.dropDuplicates([key]).select(key, F.lit(True).alias("__found"), *_renamed(offline, features))
    joined = rows.select("timestamp", "model_version", key, *features).join(aside, key, "left")
    found = F.coalesce(F.col("__found"), F.lit(False))
    differ = {name: found & _differs(F.col(name), F.col(_offline(name))) for name in features}
    flags = [flag.cast("int").alias(name) for name, flag in differ.items()]
    start = F.date_trunc(bucket.name.removeprefix("1 "), F.col("timestamp")).alias("__start")
    flagged = joined.select(start, "model_version", found.cast("int").alias("__found"), *flags)
    most = F.greatest(*(F.col(name) for name in features)) if len(features) > 1 else F.col(features[0])
    counted = flagged.groupBy("__start", "model_version").agg(
        F.count("*").alias("__rows"),
        F.sum("__found").alias("__found"),
        F.sum(most).alias("__differing"),
        *(F.sum(name).alias(name) for name in features),
    )
    return {
        (bucket.window(as_utc(row["__start"])), str(row["model_version"])): _counts(row, features)
        for row in tables.to_arrow(counted).to_pylist()
    }


def _differs(online: "Column", offline: "Column") -> "Column":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    # NaN is a missing value as null is.
    missing, missing_offline = (value.isNull() | F.isnan(value) for value in (online, offline))
    apart = F.abs(online - offline) > F.lit(TOLERANCE) * F.greatest(F.abs(online), F.abs(offline))
    return F.when(missing | missing_offline, missing != missing_offline).otherwise((online != offline) & apart)


def _renamed(offline: "DataFrame", features: Sequence[str]) -> "list[Column]":
    return [offline[name].cast("double").alias(_offline(name)) for name in features]


def _offline(name: str) -> str:
    return f"__offline_{name}"


def _counts(row: dict[str, Any], features: Sequence[str]) -> SkewCounts:
    return SkewCounts(
        row["__rows"], row["__found"] or 0, row["__differing"] or 0, {name: row[name] or 0 for name in features}
    )
