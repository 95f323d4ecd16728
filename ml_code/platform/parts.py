"""A part of a Delta table, such as one day's rows, brought up to date: what is the same stays, twice is once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.features.table import MERGE_LIMIT

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


@dataclass(frozen=True)
class Part:
    """The rows of table `name` that meet `condition`, a Spark column.

    `keys` identify a row; it is another one only if its values in `decides` differ, so what else it says (who wrote it)
    stays as first written. The columns in `carried` are filled in by others and survive a row's being written anew.
    """

    name: str
    condition: Any
    keys: Sequence[str]
    decides: Sequence[str]
    carried: Sequence[str] = ()


@dataclass(frozen=True)
class Difference:
    """The rows that are new or different, how many, and whether the part is empty as yet."""

    rows: "DataFrame"
    count: int
    empty: bool


def difference(spark: "SparkSession", part: Part, rows: "DataFrame", count: int) -> Difference:
    """Which of the rows, `count` in number, the part lacks or has otherwise."""
    present = spark.table(part.name).where(part.condition)
    if not present.limit(1).count():
        return Difference(rows, count, empty=True)
    there = present.select(*part.keys, *part.decides).alias("there")
    here = rows.alias("here")
    same = _same(here, there, part)
    new = here.join(there, same, "left_anti").select(*rows.columns)
    return Difference(new, new.count(), empty=False)


def write(spark: "SparkSession", part: Part, rows: "DataFrame", found: Difference) -> None:
    """MERGE what is new or different; a part that is empty or too much of which differs is replaced in one commit."""
    if not found.count:
        return
    if not found.empty and found.count <= MERGE_LIMIT:
        tables.merge(spark, part.name, found.rows, part.keys)
        return
    if part.carried:
        present = spark.table(part.name).where(part.condition).select(*part.keys, *part.carried)
        rows = rows.join(present, list(part.keys), "left")
    tables.replace_where(spark, part.name, filled(spark, part.name, rows), part.condition)


def filled(spark: "SparkSession", name: str, rows: "DataFrame") -> "DataFrame":
    """The rows with all columns of the table: those that they lack are empty."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    for field in spark.table(name).schema.fields:
        if field.name not in rows.columns:
            rows = rows.withColumn(field.name, F.lit(None).cast(field.dataType))
    return rows


def _same(here: "DataFrame", there: "DataFrame", part: Part) -> "Column":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    types = {field.name: field.dataType.typeName() for field in here.schema.fields}
    same = F.lit(True)
    for name in part.keys:
        same = same & (F.col(f"here.{name}") == F.col(f"there.{name}"))
    for name in part.decides:
        sides = [F.col(f"here.{name}"), F.col(f"there.{name}")]
        if types[name] == "map":
            # Maps cannot be compared, their values can.
            sides = [F.map_values(side) for side in sides]
        same = same & sides[0].eqNullSafe(sides[1])
    return same
