"""Runs statements through the SQL room, several at a time, and gives their results as Python values."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.workspace.gateway.errors import ApiError
from infra.workspace.identity.principal import Principal
from infra.workspace.sql.statements import StatementBook
from infra.workspace.store.database import Store

if TYPE_CHECKING:
    from infra.workspace.dashboards.queries import Asked

_AT_ONCE = 4
_MOST_ROWS = 10_000
_SECONDS = 120.0
_POLL_SECONDS = 0.2
_DAY_MS = 86_400_000
_NUMBERS = frozenset({"LONG", "BIGINT", "INT", "SHORT", "BYTE", "SMALLINT", "TINYINT"})
_REALS = frozenset({"DOUBLE", "FLOAT", "DECIMAL"})


@dataclass(frozen=True)
class Result:
    """Columns and rows of a statement: numbers, texts and None; times are milliseconds since the epoch."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    """The kind of each column: number, time, date or text."""
    rows: list[tuple[Any, ...]]
    truncated: bool

    def kind(self, column: str) -> str:
        return self.kinds[self.names.index(column)]

    def values(self, column: str) -> list[Any]:
        index = self.names.index(column)
        return [row[index] for row in self.rows]


@dataclass(frozen=True)
class Problem:
    """Why a statement has no result."""

    message: str


Outcome = Result | Problem


@dataclass(frozen=True)
class Credentials:
    """In whose name a dashboard's queries run: data as `reader` may read it, the warehouse as `compute` may use it."""

    reader: Principal
    compute: Principal


class Runner:
    """Statements on one warehouse; with a Problem in place of credentials none of them runs."""

    def __init__(
        self, store: Store, statements: StatementBook, warehouse: str, credentials: Credentials | Problem
    ) -> None:
        self._store = store
        self._statements = statements
        self._warehouse = warehouse
        self._credentials = credentials

    def run(self, asked: Iterable[Asked]) -> dict[Asked, Outcome]:
        wanted = list(dict.fromkeys(asked))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(wanted, pool.map(self._outcome, wanted), strict=True))

    def _outcome(self, asked: Asked) -> Outcome:
        if isinstance(self._credentials, Problem):
            return self._credentials
        if not self._warehouse:
            return Problem("the dashboard has no SQL warehouse to run its queries on")
        try:
            return self._result(asked, self._credentials)
        except ApiError as error:
            return Problem(error.message)
        finally:
            self._store.close()  # this thread's connection

    def _result(self, asked: Asked, credentials: Credentials) -> Outcome:
        body = {
            "statement": asked.sql,
            "warehouse_id": self._warehouse,
            "catalog": asked.catalog,
            "schema": asked.schema,
            "parameters": [{"name": name, "value": value, "type": kind} for name, value, kind in asked.parameters],
            "row_limit": _MOST_ROWS,
            "wait_timeout": "50s",
        }
        answer = self._statements.execute_statement(credentials.reader, body, credentials.compute)
        deadline = time.monotonic() + _SECONDS
        while answer["status"]["state"] == "RUNNING":
            if time.monotonic() > deadline:
                self._statements.cancel_statement(credentials.reader, answer["statement_id"])
                return Problem(f"the query took longer than {_SECONDS:.0f} seconds and was cancelled")
            time.sleep(_POLL_SECONDS)
            answer = self._statements.get_statement(credentials.reader, answer["statement_id"])
        if answer["status"]["state"] != "SUCCEEDED":
            return Problem(str(answer["status"].get("error", {}).get("message") or answer["status"]["state"]))
        return _result(answer)


def _result(answer: Mapping[str, Any]) -> Result:
    manifest = answer["manifest"]
    columns = manifest["schema"]["columns"]
    kinds = tuple(_kind(str(each["type_name"])) for each in columns)
    rows = [
        tuple(_value(value, kind) for value, kind in zip(row, kinds, strict=True))
        for row in answer["result"]["data_array"]
    ]
    kinds = tuple("date" if kind == "time" and _are_days(rows, at) else kind for at, kind in enumerate(kinds))
    return Result(tuple(str(each["name"]) for each in columns), kinds, rows, bool(manifest.get("truncated")))


def _are_days(rows: list[tuple[Any, ...]], index: int) -> bool:
    """Whether a column of times has midnights only, as truncated ones do."""
    return all(row[index] is None or row[index] % _DAY_MS == 0 for row in rows)


def _kind(type_name: str) -> str:
    if type_name in _NUMBERS or type_name in _REALS:
        return "number"
    if type_name.startswith("TIMESTAMP"):
        return "time"
    return "date" if type_name == "DATE" else "text"


def _value(value: str | None, kind: str) -> Any:
    if value is None or kind == "text":
        return value
    if kind == "number":
        number = float(value)
        if not math.isfinite(number):
            return None  # neither axis nor sum has a place for it
        return int(value) if value.lstrip("-").isdecimal() else number
    moment = datetime.fromisoformat(value)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
