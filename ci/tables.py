"""Tables read with the caller's own rights: by a SQL warehouse, or where there is none by Spark."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ci.errors import Trouble
from ci.repository import ROOT
from ci.steps.execute import spark
from ci.target import Target

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.sql import ColumnInfo, StatementResponse

Value = str | int | float | bool | None | list[Any]
Row = Mapping[str, Value]
_WAREHOUSE = "DATABRICKS_WAREHOUSE_ID"


class QueryFailed(Trouble):
    """A statement that the engine refused; the message is the engine's."""


class Tables(Protocol):
    """Reads tables. Rows come as plain values: dates and times as ISO text, arrays as lists."""

    def query(self, statement: str, **parameters: str | int | datetime.date) -> list[Row]:
        """The rows of a SELECT; `:name` in it stands for a parameter. Raises QueryFailed."""
        ...


@contextmanager
def tables_of(target: Target, client: WorkspaceClient, variables: Mapping[str, str] = os.environ) -> Iterator[Tables]:
    """DATABRICKS_WAREHOUSE_ID, else a running warehouse, else any that the caller may use, else Spark.

    Spark is what SPARK_REMOTE names, or an engine of the local workspace. Raises Trouble where there is none of these.
    """
    warehouse = variables.get(_WAREHOUSE) or _warehouse(client)
    if warehouse:
        yield _Warehouse(client, warehouse)
        return
    if not target.is_local and not variables.get("SPARK_REMOTE"):
        raise Trouble(
            f"{target.host} shows you no SQL warehouse to read tables with: ask for CAN USE on one (and set "
            f"{_WAREHOUSE} to choose it), or set SPARK_REMOTE to a cluster's Spark Connect address"
        )
    with spark(target, ROOT, variables) as remote:
        from pyspark.sql import SparkSession  # over a second to import

        session = SparkSession.builder.remote(remote).create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        try:
            yield _Spark(session)
        finally:
            session.stop()


def quoted(table: str, version: int | None = None) -> str:
    """A table's name in a statement, as of a Delta version if one is given."""
    name = ".".join(f"`{part}`" for part in table.split("."))
    return name if version is None else f"{name} VERSION AS OF {version}"


class _Warehouse:
    def __init__(self, client: WorkspaceClient, warehouse: str) -> None:
        self._client = client
        self._warehouse = warehouse

    def query(self, statement: str, **parameters: str | int | datetime.date) -> list[Row]:
        from databricks.sdk.service.sql import StatementParameterListItem, StatementState

        items = [StatementParameterListItem(name, _type(value), str(value)) for name, value in parameters.items()]
        answer = self._client.statement_execution.execute_statement(
            statement, self._warehouse, parameters=items, wait_timeout="50s"
        )
        # A warehouse that was stopped takes minutes to start: the SDK does not wait longer than a call may last.
        while (state := answer.status.state if answer.status else None) in (
            StatementState.PENDING,
            StatementState.RUNNING,
        ):
            time.sleep(1)
            answer = self._client.statement_execution.get_statement(answer.statement_id or "")
        if state is not StatementState.SUCCEEDED:
            error = answer.status.error if answer.status else None
            raise QueryFailed(f"{error.message if error else state}")
        return list(self._rows(answer))

    def _rows(self, answer: StatementResponse) -> Iterator[Row]:
        schema = answer.manifest.schema if answer.manifest else None
        columns = (schema.columns if schema else None) or []
        chunk = answer.result
        while chunk is not None:
            for row in chunk.data_array or []:
                yield {column.name or "": _value(column, text) for column, text in zip(columns, row, strict=True)}
            if chunk.next_chunk_index is None:
                return
            chunk = self._client.statement_execution.get_statement_result_chunk_n(
                answer.statement_id or "", chunk.next_chunk_index
            )


class _Spark:
    def __init__(self, session: Any) -> None:
        self._session = session

    def query(self, statement: str, **parameters: str | int | datetime.date) -> list[Row]:
        try:
            found = self._session.sql(statement, parameters) if parameters else self._session.sql(statement)
            return [{name: _plain(value) for name, value in row.items()} for row in found.toArrow().to_pylist()]
        except Exception as error:  # Spark Connect's errors share no class with those of the engine behind it
            raise QueryFailed(str(error).strip().splitlines()[0]) from error


def _warehouse(client: WorkspaceClient) -> str | None:
    from databricks.sdk.service.sql import State

    found = sorted(client.warehouses.list(), key=lambda each: (each.state is not State.RUNNING, each.name or ""))
    return found[0].id if found else None


def _type(value: str | int | datetime.date) -> str:
    return {int: "BIGINT", datetime.date: "DATE"}.get(type(value), "STRING")


def _value(column: ColumnInfo, text: str | None) -> Value:
    """Answers are text; numbers come back as they were, for the shortest text that tells a number apart is used."""
    if text is None:
        return None
    name = column.type_name.value if column.type_name else ""
    if name in ("BYTE", "SHORT", "INT", "LONG", "TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return int(text)
    if name in ("FLOAT", "DOUBLE"):
        return float(text)
    if name == "BOOLEAN":
        return text == "true"
    if name == "ARRAY":
        found: list[Any] = json.loads(text)
        return found
    return text


def _plain(value: Any) -> Value:
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str | int | float | bool | list) or value is None:
        return value
    return str(value)
