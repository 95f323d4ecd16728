"""Rows past their time are deleted, day by day."""

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml_code.platform import tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def forget_before(spark: "SparkSession", columns: Mapping[str, str], first: datetime.date) -> dict[str, int]:
    """Delete the rows of days before `first` from each table that exists; how many by table.

    `columns` has the table's date or timestamp column (UTC) by its full name.
    """
    return {
        name: tables.delete(spark, name, f"`{column}` < cast('{first.isoformat()}' as timestamp)")
        for name, column in columns.items()
        if tables.exists(spark, name)
    }
