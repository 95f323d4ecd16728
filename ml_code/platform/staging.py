"""Rows that are costly to compute, held in a table for as long as several writes read them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ml_code.platform import tables
from ml_code.platform.tables import Column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@contextmanager
def staged(spark: "SparkSession", name: str, rows: "DataFrame") -> Iterator["DataFrame"]:
    """The rows, computed once into table `name`, which goes at the end; what a killed run left of it goes first.

    A table and not `persist`, which serverless compute refuses.
    """
    columns = [Column(field.name, field.dataType.simpleString()) for field in rows.schema.fields]
    tables.create_table(spark, name, columns, "Rows under way between two tables; can be dropped", replace=True)
    try:
        tables.append(spark, name, rows)
        yield spark.table(name)
    finally:
        tables.run(spark, f"DROP TABLE IF EXISTS {name}")
