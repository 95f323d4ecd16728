"""Delta tables by three-level name, in the operations that Spark on Databricks and Sail both know."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


# Sail cannot travel to versions before a table's newest checkpoint; by default there is one every ten commits.
_PROPERTIES = "'delta.checkpointInterval' = '200'"


@dataclass(frozen=True)
class Column:
    """A column: its Spark SQL type and what it means."""

    name: str
    type: str
    comment: str = ""
    required: bool = False

    def ddl(self) -> str:
        """As a line of CREATE TABLE."""
        required = " NOT NULL" if self.required else ""
        return f"`{self.name}` {self.type}{required} COMMENT '{_text(self.comment)}'"


def create_table(
    spark: "SparkSession", name: str, columns: Sequence[Column], comment: str, *, replace: bool = False
) -> None:
    """Create the Delta table unless it exists; with replace, also when it does (its rows go)."""
    body = ", ".join(column.ddl() for column in columns)
    described = f"{name} ({body}) USING delta COMMENT '{_text(comment)}' TBLPROPERTIES ({_PROPERTIES})"
    if replace:
        try:
            run(spark, f"CREATE OR REPLACE TABLE {described}")
            return
        except Exception as error:
            # Sail's Unity Catalog cannot replace. Rights are the schema's, so a table that is made anew has the same.
            if "replace" not in str(error).lower():
                raise
        run(spark, f"DROP TABLE IF EXISTS {name}")
    run(spark, f"CREATE TABLE IF NOT EXISTS {described}")


def ddl(columns: Sequence[Column]) -> str:
    """The columns as the schema text that createDataFrame takes."""
    return ", ".join(f"`{column.name}` {column.type}" for column in columns)


def from_arrow(spark: "SparkSession", rows: "pa.Table", columns: Sequence[Column]) -> "DataFrame":
    """Rows of this process as a DataFrame with the columns' names, order and types."""
    ordered = rows.select([column.name for column in columns])
    if not ordered.num_rows:
        return spark.createDataFrame([], ddl(columns))
    if int(spark.version.split(".")[0]) >= 4:
        return spark.createDataFrame(ordered)
    # Spark 3 takes no Arrow table.
    rows_of_python = ordered.to_pylist(maps_as_pydicts="strict")
    return spark.createDataFrame([tuple(row.values()) for row in rows_of_python], ddl(columns))


def to_arrow(frame: "DataFrame") -> "pa.Table":
    """All rows in this process, columnwise; select the columns that are needed first."""
    import pyarrow as pa

    if hasattr(frame, "toArrow"):
        return frame.toArrow()
    from pyspark.sql.pandas.types import to_arrow_schema

    # Spark 3 only has toPandas, which turns whole numbers with nulls into floats; the schema turns them back.
    return pa.Table.from_pandas(frame.toPandas(), to_arrow_schema(frame.schema), preserve_index=False)


def merge(
    spark: "SparkSession",
    name: str,
    rows: "DataFrame",
    keys: Sequence[str],
    *,
    update: bool = True,
    insert: bool = True,
) -> None:
    """MERGE rows by their keys: new ones are inserted, known ones updated (or either left alone). For small deltas."""
    view = f"rows_{uuid.uuid4().hex}"
    rows.createOrReplaceTempView(view)
    on = " AND ".join(f"t.`{key}` = s.`{key}`" for key in keys)
    sets = ", ".join(f"t.`{column}` = s.`{column}`" for column in rows.columns if column not in keys)
    names = ", ".join(f"`{column}`" for column in rows.columns)
    values = ", ".join(f"s.`{column}`" for column in rows.columns)
    matched = f" WHEN MATCHED THEN UPDATE SET {sets}" if update and sets else ""
    missing = f" WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})" if insert else ""  # noqa: S608  # names of ours
    try:
        run(
            spark,
            f"MERGE INTO {name} AS t USING {view} AS s ON {on}{matched}{missing}",
        )
    finally:
        spark.catalog.dropTempView(view)


def append(spark: "SparkSession", name: str, rows: "DataFrame") -> None:
    """Add rows, columns by name."""
    rows.select(*spark.table(name).columns).writeTo(name).append()


def replace_where(spark: "SparkSession", name: str, rows: "DataFrame", condition: Any) -> None:
    """Replace the rows that meet a condition by these, in one commit. For whole days and partitions."""
    rows.select(*spark.table(name).columns).writeTo(name).overwrite(condition)


def delete(spark: "SparkSession", name: str, condition: str) -> int:
    """Delete the rows that meet a SQL condition; how many there were. Where there are none, no version is written."""
    rows = int(spark.table(name).where(condition).count())
    if rows:
        run(spark, f"DELETE FROM {name} WHERE {condition}")  # noqa: S608  # names of ours, values by `literal`
    return rows


def literal(text: str) -> str:
    """A text as an SQL literal that every engine reads alike, whatever it contains."""
    return f"cast(unhex('{text.encode().hex()}') as string)"


def add_columns(spark: "SparkSession", name: str, columns: Sequence[Column]) -> list[str]:
    """Give the table the columns that it lacks, empty; returns their names. Others stay as they are."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    table = spark.table(name)
    missing = [column for column in columns if column.name not in table.columns]
    if missing:
        none = table.limit(0).select("*", *(F.lit(None).cast(column.type).alias(column.name) for column in missing))
        none.write.format("delta").mode("append").option("mergeSchema", "true").saveAsTable(name)
    return [column.name for column in missing]


def version(spark: "SparkSession", name: str) -> int:
    """The table's newest Delta version.

    Where the engine has no DESCRIBE HISTORY it is found by time travel: double until one is missing, then halve.
    """
    try:
        return int(run(spark, f"DESCRIBE HISTORY {name} LIMIT 1")[0]["version"])
    except Exception as error:
        # Only an engine that does not know the statement may be asked another way.
        if "history" not in str(error).lower():
            raise
    low, high = 0, 1
    while _has_version(spark, name, high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _has_version(spark, name, middle) else (low, middle)
    return low


def as_of(spark: "SparkSession", name: str, number: int) -> "DataFrame":
    """The table as it was at a Delta version."""
    return spark.sql(f"SELECT * FROM {name} VERSION AS OF {number}")  # noqa: S608  # a name of ours


def exists(spark: "SparkSession", name: str) -> bool:
    """Whether the table can be seen."""
    return bool(spark.catalog.tableExists(name))


def run(spark: "SparkSession", statement: str) -> list[Any]:
    """Execute a statement and wait for it; its rows."""
    return list(spark.sql(statement).collect())


def _has_version(spark: "SparkSession", name: str, number: int) -> bool:
    try:
        run(spark, f"SELECT 1 FROM {name} VERSION AS OF {number} LIMIT 0")  # noqa: S608  # a name of ours
    except Exception as error:
        text = str(error).lower()
        # Sail cannot read a version that lies before a checkpoint, but it is there.
        if "missing commit file: expected version" in text:
            return True
        if "commit" in text or "version" in text:
            return False
        raise
    return True


def _text(text: str) -> str:
    # Spark and Sail read a doubled quote in a literal differently; a typographic one needs no escaping.
    return text.replace("'", "’").replace("\\", "/")  # noqa: RUF001  # the typographic quote is meant
