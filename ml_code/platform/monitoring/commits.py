"""Replacing rows of a metric table in one commit, also when another run of the monitor does the same.

Delta refuses one of two commits that touch the same rows. Where the window is new neither removes anything, and not
every engine sees that both add the same rows; that is looked for after the commit, and by the next run.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.monitoring.metric_tables import as_arrow
from ml_code.platform.tables import Column

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# As Delta (every conflict of its own has an error class DELTA_CONCURRENT_…) and Sail word it.
_CONFLICTS = ("concurrent", "failed to commit transaction")


class ConflictError(Exception):
    """Another run wrote the same windows at the same time; compute and write them again."""


def create(spark: "SparkSession", name: str, columns: Sequence[Column], comment: str) -> None:
    """Create the table unless it is there, also when another run is just creating it."""
    if tables.exists(spark, name):
        return
    try:
        tables.create_table(spark, name, columns, comment)
    except Exception:
        if not tables.exists(spark, name):
            raise


def replace(
    spark: "SparkSession",
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    condition: str,
) -> None:
    """Replace the rows that meet a condition by these. Raises ConflictError when another run did so meanwhile."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    frame = tables.from_arrow(spark, as_arrow(rows, columns), columns)
    try:
        tables.replace_where(spark, name, frame, F.expr(condition))
    except Exception as error:
        if any(words in str(error).lower() for words in _CONFLICTS):
            reason = str(error).strip().splitlines()[0][:200]
            raise ConflictError(f"{name} was written by another run at the same time ({reason})") from error
        raise
    if _doubled(spark, name, columns, condition):
        raise ConflictError(f"{name} has rows of another run that wrote the same windows at the same time")


def _doubled(spark: "SparkSession", name: str, columns: Sequence[Column], condition: str) -> bool:
    """Whether any row is there twice; a row is told by the texts that say what it is about, and by its window."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    keys = [column.name for column in columns if column.type == "string" and column.name != "data_type"]
    counted = spark.table(name).where(condition).groupBy(F.col("window.start").alias("start"), *keys).count()
    return bool(counted.where("count > 1").limit(1).collect())
