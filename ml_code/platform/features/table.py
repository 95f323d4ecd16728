"""Feature tables: derived Delta tables with a primary key and descriptions, written incrementally and idempotently."""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ml_code.platform import tables
from ml_code.platform.features.mappings import Mappings
from ml_code.platform.tables import Column

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from pyspark.sql import DataFrame, SparkSession

# Where a row came from and by which definition it was computed: what decides whether it must be computed again.
SOURCE = "source_file"
DEFINITION = "definition"

# A MERGE holds its delta in memory; above this many rows whole days are replaced instead.
MERGE_LIMIT = 50_000

Mode = Literal["unchanged", "appended", "merged", "replaced"]


@dataclass(frozen=True)
class DerivedTable:
    """A table computed from another one row by row."""

    name: str
    comment: str
    columns: Sequence[Column]
    key: str
    day: str


@dataclass(frozen=True)
class Written:
    """What a write did; rows is how many were new or different."""

    table: str
    mode: Mode
    rows: int


def feature_columns(mappings: Mappings) -> tuple[Column, ...]:
    """Columns of the feature table: key, day, every feature of every group, provenance."""
    features = [
        Column(name, feature.type, f"{feature.words} ({group})")
        for group, content in mappings.groups.items()
        for name, feature in content.features.items()
    ]
    return (
        Column(mappings.primary_key, "string", "primary key", required=True),
        Column(mappings.day, "date", "day of the record", required=True),
        *features,
        Column(SOURCE, "string", "file that the record came from", required=True),
        Column(DEFINITION, "string", "digest of the definitions that the row was computed by", required=True),
    )


def feature_rows(source: "DataFrame", mappings: Mappings) -> "DataFrame":
    """The features of each source row, computed by the engine."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    features = [
        F.expr(feature.expression).cast(feature.type).alias(name) for name, feature in mappings.features.items()
    ]
    return source.select(
        mappings.primary_key, mappings.day, *features, SOURCE, F.lit(definition_of(mappings)).alias(DEFINITION)
    )


def definition_of(mappings: Mappings) -> str:
    """Digest of what the features are computed from; a changed word or group does not change it."""
    parts = [f"{name}={feature.expression}:{feature.type}" for name, feature in mappings.features.items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def write_derived(spark: "SparkSession", table: DerivedTable, rows: "DataFrame", through: datetime.date) -> Written:
    """Bring the table up to date with rows of the days up to `through`; writes nothing when nothing differs."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    tables.create_table(spark, table.name, table.columns, table.comment)
    if _columns_differ(spark, table):
        tables.create_table(spark, table.name, table.columns, table.comment, replace=True)
    present = spark.table(table.name)
    changed = rows.join(present.select(table.key, SOURCE, DEFINITION), [table.key, SOURCE, DEFINITION], "left_anti")
    count = changed.count()
    if not count:
        return Written(table.name, "unchanged", 0)
    if not changed.join(present.select(table.key), table.key, "left_semi").limit(1).count():
        tables.append(spark, table.name, changed)
        return Written(table.name, "appended", count)
    if count <= MERGE_LIMIT:
        tables.merge(spark, table.name, changed, [table.key])
        return Written(table.name, "merged", count)
    tables.replace_where(spark, table.name, rows, F.col(table.day) <= F.lit(through).cast("date"))
    return Written(table.name, "replaced", count)


def declare_primary_key(workspace: "WorkspaceClient", table: str, key: str) -> bool:
    """Declare the primary key in Unity Catalog unless it is; False when the workspace cannot declare constraints."""
    from databricks.sdk.errors import AlreadyExists, NotImplemented
    from databricks.sdk.service.catalog import PrimaryKeyConstraint, TableConstraint

    try:
        present = workspace.tables.get(table).table_constraints or []
        if any(constraint.primary_key_constraint for constraint in present):
            return True
        name = f"{table.rpartition('.')[2]}_pk"
        constraint = TableConstraint(primary_key_constraint=PrimaryKeyConstraint(name, child_columns=[key]))
        workspace.table_constraints.create(full_name_arg=table, constraint=constraint)
    except AlreadyExists:
        return True
    except NotImplemented:
        return False
    return True


def _columns_differ(spark: "SparkSession", table: DerivedTable) -> bool:
    present = {field.name: field.dataType.simpleString() for field in spark.table(table.name).schema.fields}
    return present != {column.name: column.type for column in table.columns}
