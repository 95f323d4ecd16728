"""Features from monthly events: ten statistics over each measure, computed by Spark in bounded memory."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

STATISTICS = ("sum", "mean", "min", "max", "range", "stddev", "first", "last", "late_mean", "trend")


def event_features(
    events: "DataFrame", measures: Sequence[str], *, key: str = "member", month: str = "month", months: int = 9
) -> "DataFrame":
    """One row a member: the statistics of STATISTICS for each measure, as `<measure>_<statistic>`.

    Months run from 1; `first` and `last` are the values of months 1 and `months` (null when absent), `late` the last
    third of the months, `stddev` the population's, `trend` the least-squares slope by month.
    """
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    late = F.col(month) > months - months // 3
    # Seven running values a measure; the ten statistics are worked out of them once a member, not once a row.
    parts: list[Column] = [F.count(F.lit(1)).cast("double").alias("_n")]
    parts += [F.sum(month).cast("double").alias("_t"), F.sum(F.col(month) * F.col(month)).cast("double").alias("_tt")]
    parts.append(F.sum(F.when(late, 1.0)).alias("_late_n"))
    for name in measures:
        value = F.col(name).cast("double")
        parts += [
            F.sum(value).alias(f"{name}_s"),
            F.sum(value * value).alias(f"{name}_ss"),
            F.sum(value * F.col(month)).alias(f"{name}_st"),
            F.min(name).alias(f"{name}_lo"),
            F.max(name).alias(f"{name}_hi"),
            F.sum(F.when(late, value)).alias(f"{name}_late"),
            F.max(F.when(F.col(month) == 1, F.col(name))).alias(f"{name}_1"),
            F.max(F.when(F.col(month) == months, F.col(name))).alias(f"{name}_9"),
        ]
    grouped = events.groupBy(key).agg(*parts)
    columns = [column for name in measures for column in _statistics(name, F.col)]
    return grouped.select(key, *columns)


def write_event_features(
    events: "DataFrame",
    measures: Sequence[str],
    write: "Callable[[DataFrame], None]",
    *,
    members: int,
    step: int = 100_000,
    key: str = "member",
) -> None:
    """`event_features` for members 0 to `members`, `step` of them at a time, each part handed to `write`.

    Events that are stored in the order of their member are read once in all: files and row groups outside of a part are
    skipped by their statistics. Memory is that of one part.
    """
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    for first in range(0, members, step):
        part = events.where(F.col(key).between(first, min(first + step, members) - 1))
        write(event_features(part, measures, key=key))


def _statistics(name: str, col: "Callable[[str], Column]") -> "list[Column]":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    n, total = col("_n"), col(f"{name}_s")
    mean = total / n
    spread = F.sqrt(F.greatest(col(f"{name}_ss") / n - mean * mean, F.lit(0.0)))
    across = col("_tt") - col("_t") * col("_t") / n
    slope = F.when(across > 0, (col(f"{name}_st") - col("_t") * mean) / across)
    values = {
        "sum": total,
        "mean": mean,
        "min": col(f"{name}_lo"),
        "max": col(f"{name}_hi"),
        "range": col(f"{name}_hi") - col(f"{name}_lo"),
        "stddev": spread,
        "first": col(f"{name}_1"),
        "last": col(f"{name}_9"),
        "late_mean": col(f"{name}_late") / col("_late_n"),
        "trend": slope,
    }
    return [values[statistic].cast("float").alias(f"{name}_{statistic}") for statistic in STATISTICS]
