"""A real Sail process on the catalog's REST: what docs/reference/sail.md says works, works."""

# ruff: noqa: S608 - the names in the statements are these tests' own

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import pytest
from pyspark.errors import PySparkException

from infra.workspace.catalog.sail import sail_environment

from .conftest import ADMIN, PROD, SCIENTIST, STAGING, Workspace, grant

Sail = Callable[..., Any]


@pytest.fixture
def spark(sail: Sail) -> Any:
    return sail(STAGING)


@pytest.fixture
def table(workspace: Workspace, spark: Any) -> Iterator[str]:
    """A managed table with two rows, made by Sail, gone afterwards."""
    name = "staging.hrob.births"
    spark.sql(f"CREATE TABLE {name} (id BIGINT NOT NULL COMMENT 'the birth', name STRING) USING delta COMMENT 'births'")
    spark.sql(f"INSERT INTO {name} VALUES (1, 'a'), (2, 'b')")
    yield name
    spark.sql(f"DROP TABLE IF EXISTS {name}")


def rows(spark: Any, name: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in spark.sql(f"SELECT * FROM {name} ORDER BY 1").collect()]


def test_managed_table_reads_and_writes(spark: Any, table: str) -> None:
    assert rows(spark, table) == [(1, "a"), (2, "b")]
    spark.sql(f"INSERT OVERWRITE {table} VALUES (1, 'z'), (3, 'c')")
    spark.sql(
        f"MERGE INTO {table} t USING (SELECT 3L AS id, 'm' AS name UNION ALL SELECT 4L, 'n') s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    spark.sql(f"UPDATE {table} SET name = 'u' WHERE id = 4")
    spark.sql(f"DELETE FROM {table} WHERE id = 1")
    assert rows(spark, table) == [(3, "m"), (4, "u")]


def test_a_managed_table_is_plain_delta_and_goes_with_its_files(workspace: Workspace, spark: Any, table: str) -> None:
    found = workspace.catalog.tables.get_table(STAGING, table)
    folder = Path(found["storage_location"].removeprefix("file://"))
    assert found["table_type"] == "MANAGED"
    assert folder.is_relative_to(workspace.data_dir)
    assert deltalake.DeltaTable(str(folder)).to_pyarrow_table().num_rows == 2
    spark.sql(f"DROP TABLE {table}")
    assert not folder.exists()
    assert not workspace.catalog.exists("table", table)


def test_columns_and_comments_reach_rest(workspace: Workspace, table: str) -> None:
    found = workspace.catalog.tables.get_table(STAGING, table)
    assert found["comment"] == "births"
    assert [(c["name"], c["type_text"], c["nullable"], c.get("comment")) for c in found["columns"]] == [
        ("id", "bigint", False, "the birth"),
        ("name", "string", True, None),
    ]


def test_create_if_not_exists_keeps_the_table(spark: Any, table: str) -> None:
    spark.sql(f"CREATE TABLE IF NOT EXISTS {table} (id BIGINT) USING delta")
    assert rows(spark, table) == [(1, "a"), (2, "b")]


def test_a_schema_changed_by_path_shows_in_rest_with_the_comments_kept(
    workspace: Workspace, spark: Any, table: str
) -> None:
    location = workspace.catalog.tables.get_table(STAGING, table)["storage_location"]
    wider = spark.sql("SELECT 5L AS id, 'e' AS name, 2.5D AS weight")
    wider.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(location)
    columns = workspace.catalog.tables.get_table(STAGING, table)["columns"]
    assert [(column["name"], column.get("comment")) for column in columns] == [
        ("id", "the birth"),
        ("name", None),
        ("weight", None),
    ]
    assert rows(spark, table) == [(5, "e", 2.5)]


def test_an_append_by_name_takes_new_columns_with_merge_schema(spark: Any, table: str) -> None:
    wider = spark.sql("SELECT 5L AS id, 'e' AS name, 2.5D AS weight")
    wider.write.format("delta").mode("append").option("mergeSchema", "true").saveAsTable(table)
    assert rows(spark, table)[-1] == (5, "e", 2.5)


def test_an_append_by_path_drops_new_columns(workspace: Workspace, spark: Any, table: str) -> None:
    """A limit of Sail 0.7.2, told in docs/reference/sail.md: when this fails, the document has good news to tell."""
    location = workspace.catalog.tables.get_table(STAGING, table)["storage_location"]
    wider = spark.sql("SELECT 5L AS id, 'e' AS name, 2.5D AS weight")
    wider.write.format("delta").mode("append").option("mergeSchema", "true").save(location)
    assert rows(spark, table)[-1] == (5, "e")


def test_an_append_without_merge_schema_drops_new_columns(spark: Any, table: str) -> None:
    """As above; on Databricks this is an error."""
    wider = spark.sql("SELECT 5L AS id, 'e' AS name, 2.5D AS weight")
    wider.write.format("delta").mode("append").saveAsTable(table)
    assert rows(spark, table)[-1] == (5, "e")


def test_some_rows_are_replaced_by_name(spark: Any, table: str) -> None:
    spark.sql(f"INSERT INTO {table} REPLACE WHERE id = 2 SELECT 2L, 'again'")
    assert rows(spark, table) == [(1, "a"), (2, "again")]


def test_an_overwrite_of_an_existing_table_by_name_is_refused(spark: Any, table: str) -> None:
    with pytest.raises(PySparkException, match="REPLACE"):
        spark.range(1).write.format("delta").mode("overwrite").saveAsTable(table)
    assert rows(spark, table) == [(1, "a"), (2, "b")]


def test_dataframes_write_tables_by_name(spark: Any) -> None:
    frame = spark.range(5)
    frame.write.format("delta").saveAsTable("staging.hrob.numbers")
    frame.write.format("delta").mode("append").saveAsTable("staging.hrob.numbers")
    frame.writeTo("staging.hrob.numbers").append()
    assert spark.table("staging.hrob.numbers").count() == 15
    assert spark.catalog.tableExists("staging.hrob.numbers")
    spark.sql("DROP TABLE staging.hrob.numbers")
    assert not spark.catalog.tableExists("staging.hrob.numbers")


def test_create_table_as_select(spark: Any) -> None:
    spark.sql("CREATE TABLE staging.hrob.chosen USING delta AS SELECT 1 AS a, 'x' AS b")
    assert rows(spark, "staging.hrob.chosen") == [(1, "x")]
    spark.sql("DROP TABLE staging.hrob.chosen")


def test_nested_types_and_partitions(workspace: Workspace, spark: Any) -> None:
    name = "staging.hrob.nested"
    spark.sql(
        f"CREATE TABLE {name} (a INT NOT NULL, b DECIMAL(10,2), c ARRAY<STRUCT<x: INT, y: STRING>>, "
        "d MAP<STRING, DOUBLE>, e TIMESTAMP, f DATE) USING delta PARTITIONED BY (f)"
    )
    schema = spark.table(name).schema
    moment, day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.date(2026, 1, 2)
    values = (1, Decimal("2.50"), [{"x": 1, "y": "q"}], {"k": 1.5}, moment, day)
    spark.createDataFrame([values], schema).write.format("delta").mode("append").saveAsTable(name)
    (row,) = spark.table(name).collect()
    assert (row.c[0].y, row.d["k"], row.f) == ("q", 1.5, datetime.date(2026, 1, 2))
    columns = {column["name"]: column for column in workspace.catalog.tables.get_table(STAGING, name)["columns"]}
    assert columns["c"]["type_text"] == "array<struct<x:int,y:string>>"
    assert (columns["b"]["type_precision"], columns["b"]["type_scale"]) == (10, 2)
    assert columns["f"]["partition_index"] == 0
    spark.sql(f"DROP TABLE {name}")


def test_listings(spark: Any, table: str) -> None:
    assert [found.name for found in spark.catalog.listTables("staging.hrob")] == ["births"]
    assert [row.tableName for row in spark.sql("SHOW TABLES IN staging.hrob").collect()] == ["births"]
    assert "staging.hrob" in [row.name for row in spark.sql("SHOW SCHEMAS IN staging").collect()]


def test_external_table_needs_an_external_location(workspace: Workspace, spark: Any, tmp_path: Path) -> None:
    folder = tmp_path / "landed"
    create = f"CREATE TABLE staging.hrob.outside (a INT) USING delta LOCATION 'file://{folder}'"
    with pytest.raises(PySparkException, match="400"):
        spark.sql(create)
    workspace.catalog.locations.create_external_location(ADMIN, {"name": "landing", "url": f"file://{tmp_path}"})
    with pytest.raises(PySparkException, match="403"):
        spark.sql(create)
    grant(workspace.catalog, "external_location", "landing", STAGING.name, "CREATE_EXTERNAL_TABLE")
    spark.sql(create)
    spark.sql("INSERT INTO staging.hrob.outside VALUES (7)")
    assert rows(spark, "staging.hrob.outside") == [(7,)]
    spark.sql("DROP TABLE staging.hrob.outside")
    assert deltalake.DeltaTable(str(folder)).version() >= 0, "an external table's files stay"
    workspace.catalog.locations.delete_external_location(ADMIN, "landing")


def test_a_managed_table_must_be_delta(spark: Any) -> None:
    with pytest.raises(PySparkException, match="400"):
        spark.sql("CREATE TABLE staging.hrob.parquet (a INT) USING parquet")


def test_schemas_by_sql(workspace: Workspace, spark: Any) -> None:
    spark.sql("CREATE SCHEMA staging.`feature-x`")
    spark.sql("CREATE SCHEMA IF NOT EXISTS staging.`feature-x`")
    spark.sql("CREATE TABLE staging.`feature-x`.t (a INT) USING delta")
    spark.sql("INSERT INTO staging.`feature-x`.t VALUES (1)")
    assert rows(spark, "staging.`feature-x`.t") == [(1,)]
    spark.sql("DROP SCHEMA staging.`feature-x` CASCADE")
    assert not workspace.catalog.exists("schema", "staging.feature-x")


def test_another_principals_catalog_is_not_there(workspace: Workspace, sail: Sail, spark: Any) -> None:
    prod = sail(PROD)
    prod.sql("CREATE TABLE prod.hrob.births (id BIGINT) USING delta")
    assert workspace.catalog.catalogs_for(STAGING) == ["staging"]
    with pytest.raises(PySparkException):
        spark.sql("SELECT * FROM prod.hrob.births").collect()
    prod.sql("DROP TABLE prod.hrob.births")


def test_a_look_up_needs_select(workspace: Workspace, sail: Sail, table: str) -> None:
    grant(workspace.catalog, "catalog", "staging", SCIENTIST.name, "USE_CATALOG", "BROWSE")
    grant(workspace.catalog, "schema", "staging.hrob", SCIENTIST.name, "USE_SCHEMA")
    scientist = sail(SCIENTIST)
    with pytest.raises(PySparkException, match="403"):
        scientist.sql(f"SELECT * FROM {table}").collect()
    grant(workspace.catalog, "table", table, SCIENTIST.name, "SELECT")
    assert rows(scientist, table) == [(1, "a"), (2, "b")]
    with pytest.raises(PySparkException, match="403"):
        scientist.sql("CREATE TABLE staging.hrob.mine (a INT) USING delta")


def test_the_environment_lists_the_catalogs_given() -> None:
    environment = sail_environment("http://127.0.0.1:80/", "secret", ["dev", "feature-x"], "dev")
    assert environment["SAIL_CATALOG__DEFAULT_CATALOG"] == "dev"
    assert environment["SAIL_CATALOG__LIST"].count("http://127.0.0.1:80/api/2.1/unity-catalog") == 2
    with pytest.raises(ValueError, match="prod"):
        sail_environment("http://127.0.0.1:80", "secret", ["dev"], "prod")
