"""Warehouses and statements as databricks-sdk speaks to them, on real Sail engines."""

from __future__ import annotations

import time

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, NotImplemented, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service import sql as api
from databricks.sdk.service.catalog import Privilege

from .conftest import SqlWorkspace


def run(client: WorkspaceClient, sql: SqlWorkspace, statement: str, **options: object) -> api.StatementResponse:
    options.setdefault("wait_timeout", "50s")
    return client.statement_execution.execute_statement(statement, sql.warehouse_id, **options)  # type: ignore[arg-type] # the call's own options


def rows(response: api.StatementResponse) -> list[list[str]]:
    assert response.status is not None
    assert response.status.state == api.StatementState.SUCCEEDED, response.status.error
    return (response.result.data_array or []) if response.result else []


def failure(response: api.StatementResponse) -> str:
    assert response.status is not None
    assert response.status.state == api.StatementState.FAILED
    return (response.status.error.message or "") if response.status.error else ""


def test_a_tables_life(sql: SqlWorkspace) -> None:
    place = {"catalog": "dev", "schema": "hrob"}
    rows(run(sql.admin, sql, "CREATE TABLE births (id BIGINT NOT NULL, name STRING) USING delta", **place))
    rows(run(sql.admin, sql, "INSERT INTO births VALUES (1, 'a'), (2, NULL)", **place))
    told = run(sql.admin, sql, "SELECT * FROM births ORDER BY id", **place)
    assert rows(told) == [["1", "a"], ["2", None]]
    assert told.manifest is not None
    assert told.manifest.schema is not None
    assert [(c.name, c.type_name.value if c.type_name else "") for c in told.manifest.schema.columns or []] == [
        ("id", "LONG"),
        ("name", "STRING"),
    ]
    rows(run(sql.admin, sql, "DROP TABLE dev.hrob.births"))
    assert not sql.admin.tables.exists("dev.hrob.births").table_exists


def test_values_are_told_as_strings(sql: SqlWorkspace) -> None:
    told = run(
        sql.admin,
        sql,
        "SELECT true, 1.50BD, 1.5D, TIMESTAMP '2026-01-02 03:04:05', DATE '2026-01-02', array(1, 2), map('k', 1), "
        "named_struct('x', 'y'), CAST(NULL AS INT)",
    )
    assert rows(told) == [
        ["true", "1.50", "1.5", "2026-01-02T03:04:05.000Z", "2026-01-02", "[1, 2]", '{"k": 1}', '{"x": "y"}', None]
    ]


def test_parameters_and_row_limit(sql: SqlWorkspace) -> None:
    parameters = [
        api.StatementParameterListItem(name="least", value="3", type="INT"),
        api.StatementParameterListItem(name="word", value="it's"),
    ]
    statement = "SELECT id, :word FROM range(10) WHERE id >= :least"
    told = run(sql.admin, sql, statement, parameters=parameters, row_limit=2)
    assert rows(told) == [["3", "it's"], ["4", "it's"]]
    assert told.manifest is not None
    assert told.manifest.truncated
    with pytest.raises(BadRequest, match="'x' is not a INT"):
        run(sql.admin, sql, "SELECT :n", parameters=[api.StatementParameterListItem("n", type="INT", value="x")])


def test_results_come_in_chunks(sql: SqlWorkspace) -> None:
    told = run(sql.admin, sql, "SELECT id FROM range(25000) ORDER BY id")
    assert told.manifest is not None
    assert (told.manifest.total_chunk_count, told.manifest.total_row_count) == (3, 25000)
    last = sql.admin.statement_execution.get_statement_result_chunk_n(told.statement_id or "", 2)
    assert (last.row_offset, last.row_count, (last.data_array or [])[-1]) == (20000, 5000, ["24999"])
    assert last.next_chunk_index is None


def test_a_statement_can_be_waited_for_and_canceled(sql: SqlWorkspace) -> None:
    started = run(sql.admin, sql, "SELECT count(*) FROM range(1000)", wait_timeout="0s")
    id = started.statement_id or ""
    deadline = time.monotonic() + 30
    while (told := sql.admin.statement_execution.get_statement(id)).result is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert rows(told) == [["1000"]]
    slow = "SELECT count(*) FROM range(200000) a CROSS JOIN range(200000) b WHERE a.id + b.id < 0"
    started = run(sql.admin, sql, slow, wait_timeout="0s")
    time.sleep(1)
    sql.admin.statement_execution.cancel_execution(started.statement_id or "")
    told = sql.admin.statement_execution.get_statement(started.statement_id or "")
    assert told.status is not None
    assert told.status.state == api.StatementState.CANCELED


def test_a_failing_statement_says_why(sql: SqlWorkspace) -> None:
    assert "nowhere" in failure(run(sql.admin, sql, "SELECT * FROM dev.hrob.nowhere"))
    assert "PARSE_SYNTAX_ERROR" in failure(run(sql.admin, sql, "SELECT FROM WHERE ("))


def test_a_principal_needs_privileges_on_each_table(sql: SqlWorkspace) -> None:
    name, client = sql.service_principal("reader")
    rows(run(sql.admin, sql, "CREATE TABLE dev.hrob.secret (id INT) USING delta"))
    rows(run(sql.admin, sql, "INSERT INTO dev.hrob.secret VALUES (7)"))
    read = "SELECT * FROM dev.hrob.secret"
    assert "USE CATALOG on Catalog 'dev'" in failure(run(client, sql, read))
    sql.grant("catalog", "dev", name, Privilege.USE_CATALOG)
    sql.grant("schema", "dev.hrob", name, Privilege.USE_SCHEMA)
    assert "SELECT on Table 'dev.hrob.secret'" in failure(run(client, sql, read))
    sql.grant("table", "dev.hrob.secret", name, Privilege.SELECT)
    assert rows(run(client, sql, read)) == [["7"]]
    assert "MODIFY on Table" in failure(run(client, sql, "DELETE FROM dev.hrob.secret"))
    assert "CREATE TABLE on Schema" in failure(run(client, sql, "CREATE TABLE dev.hrob.t AS SELECT 1 AS a"))
    assert "MANAGE" in failure(run(client, sql, "DROP TABLE dev.hrob.secret"))
    assert rows(run(sql.admin, sql, read)) == [["7"]]
    rows(run(sql.admin, sql, "DROP TABLE dev.hrob.secret"))


def test_a_statement_belongs_to_who_ran_it(sql: SqlWorkspace) -> None:
    _, client = sql.service_principal("curious")
    told = run(sql.admin, sql, "SELECT 1")
    with pytest.raises(PermissionDenied):
        client.statement_execution.get_statement(told.statement_id or "")
    with pytest.raises(NotFound):
        client.statement_execution.get_statement("nothing")


def test_unsupported_forms_are_named(sql: SqlWorkspace) -> None:
    with pytest.raises(NotImplemented, match="EXTERNAL_LINKS"):
        run(sql.admin, sql, "SELECT 1", disposition=api.Disposition.EXTERNAL_LINKS)
    with pytest.raises(NotImplemented, match="GRANT"):
        run(sql.admin, sql, "GRANT SELECT ON TABLE dev.hrob.t TO x")
    with pytest.raises(NotImplemented, match="sql/queries"):
        list(sql.admin.queries.list())
    with pytest.raises(BadRequest, match="wait_timeout"):
        run(sql.admin, sql, "SELECT 1", wait_timeout="2s")


def test_a_warehouses_life(sql: SqlWorkspace) -> None:
    admin = sql.admin
    id = admin.warehouses.create(name="life", cluster_size="Small", auto_stop_mins=10).response.id or ""
    assert admin.warehouses.get(id).state == api.State.RUNNING
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        admin.warehouses.create(name="life", cluster_size="Small")
    admin.warehouses.stop(id)
    assert admin.warehouses.get(id).state == api.State.STOPPED
    admin.warehouses.edit(id, name="lives", cluster_size="Medium")
    assert admin.warehouses.get(id).name == "lives"
    assert id in [source.warehouse_id for source in admin.data_sources.list()]
    _, client = sql.service_principal("stranger")
    assert [warehouse.id for warehouse in client.warehouses.list()] == [sql.warehouse_id]
    with pytest.raises(PermissionDenied):
        client.warehouses.get(id)
    with pytest.raises(PermissionDenied):
        client.warehouses.create(name="mine", cluster_size="Small")
    with pytest.raises(PermissionDenied):
        client.statement_execution.execute_statement("SELECT 1", id)
    admin.warehouses.delete(id)
    with pytest.raises(NotFound):
        admin.warehouses.get(id)


def test_a_table_is_made_by_create_or_replace_but_none_is_replaced(sql: SqlWorkspace) -> None:
    statement = "create or replace table `dev`.`hrob`.`replaced` (id BIGINT COMMENT 'the birth')\nUSING DELTA;"
    rows(run(sql.admin, sql, statement))
    rows(run(sql.admin, sql, "INSERT INTO dev.hrob.replaced VALUES (1)"))
    assert "CREATE OR REPLACE TABLE" in failure(run(sql.admin, sql, statement))
    assert rows(run(sql.admin, sql, "SELECT * FROM dev.hrob.replaced")) == [["1"]]
    rows(run(sql.admin, sql, "DROP TABLE dev.hrob.replaced"))
