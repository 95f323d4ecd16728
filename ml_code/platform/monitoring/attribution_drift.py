"""Drift of feature attributions: what the model goes by now, against what it went by when it was validated.

A feature's attribution is the mean of its absolute contributions; its share is the part of all features' attributions.

`attribution_drift` is 1 - NDCG, as Amazon SageMaker Clarify measures it ("Feature attribution drift for models in
production", Amazon SageMaker Developer Guide): with the features ranked by their present attribution, DCG is the sum of
their baseline attributions over log2(rank + 1), and NDCG divides it by that of the baseline's own ranking. 0 is the
same ranking; Clarify's alarm at NDCG below 0.90 is a limit of 0.10 here. A feature that falls behind counts by what it
weighed before. `attribution_shift` is the total variation distance of the shares, half the sum of their absolute
differences: it also moves when the ranking does not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_code.platform import tables
from ml_code.platform.monitoring.windows import Granularity, Window, as_utc, literal

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Sums:
    """Absolute contributions by feature, summed over rows."""

    rows: int = 0
    by_feature: dict[str, float] = field(default_factory=dict)

    def add(self, other: "Sums") -> None:
        """Take in other rows."""
        self.rows += other.rows
        for feature, value in other.by_feature.items():
            self.by_feature[feature] = self.by_feature.get(feature, 0.0) + value

    def shares(self) -> dict[str, float]:
        """Each feature's part; none where nothing was attributed to any."""
        return shares(self.by_feature)


def shares(attributions: Mapping[str, float]) -> dict[str, float]:
    """Attributions as parts of their sum; none where that is 0."""
    total = sum(attributions.values())
    return {feature: value / total for feature, value in sorted(attributions.items())} if total > 0 else {}


def ranking_drift(baseline: Mapping[str, float], present: Mapping[str, float]) -> float | None:
    """1 - NDCG of the features as ranked now, from 0 to 1; None where the baseline attributes nothing."""
    ideal = _gain(baseline, baseline)
    return max(0.0, 1 - _gain(baseline, present) / ideal) if ideal > 0 else None


def shift(baseline: Mapping[str, float], present: Mapping[str, float]) -> float | None:
    """Total variation distance of the shares, from 0 to 1; None where either side attributes nothing."""
    before, now = shares(baseline), shares(present)
    if not before or not now:
        return None
    return 0.5 * math.fsum(abs(now.get(name, 0.0) - before.get(name, 0.0)) for name in before.keys() | now.keys())


def read_sums(spark: "SparkSession", table: str, span: Window, bucket: Granularity) -> dict[tuple[Window, str], Sums]:
    """Sums by bucket of time and model version. The rows stay with the engine."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    rows = spark.table(table).where(f"timestamp >= {literal(span.start)} AND timestamp < {literal(span.end)}")
    start = F.date_trunc(bucket.name.removeprefix("1 "), F.col("timestamp")).alias("start")
    entries = rows.select(start, "model_version", F.explode("contributions").alias("feature", "value"))
    absolute = F.sum(F.abs("value")).alias("absolute")
    counted = rows.groupBy(start, "model_version").agg(F.count("*").alias("rows"))
    added = entries.where(~F.isnan("value")).groupBy("start", "model_version", "feature").agg(absolute)
    sums = {
        (bucket.window(as_utc(row["start"])), str(row["model_version"])): Sums(row["rows"])
        for row in tables.to_arrow(counted).to_pylist()
    }
    for row in tables.to_arrow(added).to_pylist():
        key = (bucket.window(as_utc(row["start"])), str(row["model_version"]))
        sums[key].by_feature[row["feature"]] = row["absolute"] or 0.0
    return sums


def _gain(baseline: Mapping[str, float], ranked_by: Mapping[str, float]) -> float:
    # Of features with the same attribution now, the one that weighed more before comes first: a tie is no drift.
    names = sorted(baseline.keys() | ranked_by.keys())
    names.sort(key=lambda name: (-ranked_by.get(name, 0.0), -baseline.get(name, 0.0)))
    return math.fsum(baseline.get(name, 0.0) / math.log2(rank + 2) for rank, name in enumerate(names))
