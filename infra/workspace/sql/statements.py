"""Statements: run one by one in sessions of their own, kept with their results for an hour."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest, InvalidState, NotFound, NotSupported, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.sql import results
from infra.workspace.sql.ports import Catalog, Compute
from infra.workspace.sql.warehouses import WarehouseBook
from infra.workspace.store.database import Store

Body = Mapping[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sql_statements (
    id TEXT PRIMARY KEY, principal TEXT NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL,
    answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sql_chunks (
    statement TEXT NOT NULL REFERENCES sql_statements (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    row_offset INTEGER NOT NULL, row_count INTEGER NOT NULL, rows TEXT NOT NULL, PRIMARY KEY (statement, position));
"""
_KEPT_MS = 3600 * 1000
_INLINE_BYTES = 25 * 1024 * 1024


@dataclass
class _Running:
    """A statement under way; `lock` keeps a cancellation from falling between its start and its session."""

    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    session: Any = None
    canceled: bool = False


class StatementBook:
    """The Statement Execution API; what it knows survives a restart, a statement that was running does not."""

    def __init__(
        self, store: Store, clock: Clock, catalog: Catalog, compute: Compute, warehouses: WarehouseBook
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalog = catalog
        self._compute = compute
        self._warehouses = warehouses
        self._running: dict[str, _Running] = {}
        store.schema("sql", _SCHEMA)
        self._fail_interrupted()

    def execute_statement(
        self, principal: Principal, body: Body, warehouse_user: Principal | None = None
    ) -> dict[str, Any]:
        """Starts a statement and waits for it as long as the caller asked.

        The data are those that `principal` may read; the warehouse is used in the name of `warehouse_user`, by default
        the same: a published dashboard lends its publisher's.
        """
        seconds = _wait_seconds(str(body.get("wait_timeout") or "10s"))
        on_timeout = body.get("on_wait_timeout") or "CONTINUE"
        self._check_form(body)
        self._warehouses.use(warehouse_user or principal, str(body.get("warehouse_id") or ""))
        text = str(body.get("statement") or "")
        arguments = results.parameters(body.get("parameters") or [])
        id = str(uuid.uuid4())
        refusal = self._refusal(principal, text, body)
        self._begin(id, principal)
        if refusal is not None:
            self._fail(id, refusal)
            return self.get_statement(principal, id)
        running = self._running[id] = _Running()
        threading.Thread(
            target=self._run, args=(id, running, principal, text, arguments, body), name=f"statement-{id}", daemon=True
        ).start()
        if not running.done.wait(seconds) and seconds and on_timeout == "CANCEL":
            self._cancel(id)
        return self.get_statement(principal, id)

    def query(
        self, principal: Principal, warehouse_id: str, text: str, parameters: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[results.Row]]:
        """Columns and rows of a statement that another room runs and waits for; nothing of it is kept.

        Raises ApiError with what refused it, or with what the engine says.
        """
        self._warehouses.use(principal, warehouse_id)
        arguments = results.parameters(parameters)
        refusal = self._refusal(principal, text, {})
        if refusal is not None:
            raise BadRequest(refusal)
        try:
            columns, rows, _ = self._fetch(_Running(), principal, text, arguments, {})
        except Exception as error:  # as in _run
            raise BadRequest(str(error) or type(error).__name__) from error
        return columns, rows

    def get_statement(self, principal: Principal, id: str) -> dict[str, Any]:
        """State, and for a finished statement manifest and first chunk."""
        answer: dict[str, Any] = json.loads(self._own(principal, id)["answer"])
        if answer["status"]["state"] == "SUCCEEDED":
            answer["result"] = self.get_chunk(principal, id, 0)
        return answer

    def get_chunk(self, principal: Principal, id: str, position: int) -> dict[str, Any]:
        self._own(principal, id)
        chunk = self._store.row("SELECT * FROM sql_chunks WHERE statement = ? AND position = ?", (id, position))
        if chunk is None:
            raise NotFound(f"statement {id} has no chunk {position}")
        answer = {
            "chunk_index": position,
            "row_offset": chunk["row_offset"],
            "row_count": chunk["row_count"],
            "data_array": json.loads(chunk["rows"]),
        }
        if self._store.row("SELECT 1 FROM sql_chunks WHERE statement = ? AND position = ?", (id, position + 1)):
            link = f"/api/2.0/sql/statements/{id}/result/chunks/{position + 1}"
            answer |= {"next_chunk_index": position + 1, "next_chunk_internal_link": link}
        return answer

    def cancel_statement(self, principal: Principal, id: str) -> dict[str, Any]:
        self._own(principal, id)
        self._cancel(id)
        return {}

    def _check_form(self, body: Body) -> None:
        disposition, form = body.get("disposition") or "INLINE", body.get("format") or "JSON_ARRAY"
        if disposition != "INLINE" or form != "JSON_ARRAY":
            raise NotSupported(f"POST /api/2.0/sql/statements with disposition {disposition} and format {form}")
        if body.get("byte_limit") is not None:
            raise NotSupported("POST /api/2.0/sql/statements with byte_limit")
        limit = body.get("row_limit")
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise BadRequest("row_limit must be a positive number")

    def _refusal(self, principal: Principal, text: str, body: Body) -> str | None:
        """Why a statement fails before any engine sees it: its form, or a privilege that the caller lacks.

        What does not exist is left to the engine: IF EXISTS and IF NOT EXISTS are its own.
        """
        try:
            from infra.workspace.sql.privileges import needs  # the parser takes long to import: not before it is needed

            for need in needs(text, body.get("catalog"), body.get("schema")):
                with contextlib.suppress(NotFound):
                    self._catalog.require(principal, need.securable_type, need.full_name, need.privilege)
        except BadRequest as error:
            return error.message
        except PermissionDenied as error:
            return f"[INSUFFICIENT_PERMISSIONS] Insufficient privileges: {error.message} SQLSTATE: 42501"
        return None

    def _run(
        self, id: str, running: _Running, principal: Principal, text: str, arguments: dict[str, Any], body: Body
    ) -> None:
        try:
            self._finish(id, *self._fetch(running, principal, text, arguments, body))
        except Exception as error:  # whatever the engine says is the statement's outcome, not the workspace's
            self._fail(id, str(error) or type(error).__name__)
        finally:
            running.done.set()
            self._running.pop(id, None)
            self._store.close()

    def _fetch(
        self, running: _Running, principal: Principal, text: str, arguments: dict[str, Any], body: Body
    ) -> tuple[list[dict[str, Any]], list[results.Row], bool]:
        from pyspark.sql import SparkSession  # takes over a second to import: only once a statement runs

        limit: int | None = body.get("row_limit")
        engine = self._compute.spark_for(principal)
        session = SparkSession.builder.remote(engine.remote).create()
        # Reattaching shares a thread pool among all sessions of a process, and whichever stops first shuts it down.
        session.client.disable_reattachable_execute()
        try:
            with running.lock:
                running.session = session
                if running.canceled:
                    raise InvalidState("the statement was canceled")
            session.conf.set("spark.sql.sources.default", "delta")
            if body.get("catalog"):
                session.catalog.setCurrentCatalog(str(body["catalog"]))
            if body.get("schema"):
                session.catalog.setCurrentDatabase(str(body["schema"]))
            from infra.workspace.sql.dialect import for_engine  # as above

            text = for_engine(text, session.catalog.tableExists)
            frame = session.sql(text, arguments) if arguments else session.sql(text)
            table = (frame.limit(limit + 1) if limit else frame).toArrow()
            found = results.rows(table)
            return results.columns(frame.schema), found[:limit], limit is not None and len(found) > limit
        finally:
            with contextlib.suppress(Exception):  # the engine may be gone; there is nothing left to end then
                session.stop()

    def _begin(self, id: str, principal: Principal) -> None:
        now = self._clock.now_ms()
        answer = {"statement_id": id, "status": {"state": "RUNNING"}}
        with self._store.write() as tx:
            tx.execute("DELETE FROM sql_statements WHERE created_at < ?", (now - _KEPT_MS,))
            tx.execute(
                "INSERT INTO sql_statements VALUES (?, ?, 'RUNNING', ?, ?)",
                (id, principal.name, now, json.dumps(answer)),
            )

    def _finish(self, id: str, columns: list[dict[str, Any]], rows: list[results.Row], truncated: bool) -> None:
        parts = [json.dumps(chunk) for chunk in results.chunks(rows)]
        if sum(len(part) for part in parts) > _INLINE_BYTES:
            self._fail(id, f"Inline byte limit exceeded: results can have at most {_INLINE_BYTES} bytes")
            return
        described = []
        with self._store.write() as tx:
            for position, (part, chunk) in enumerate(zip(parts, results.chunks(rows), strict=True)):
                offset = position * results.CHUNK_ROWS
                described.append({"chunk_index": position, "row_offset": offset, "row_count": len(chunk)})
                tx.execute(
                    "INSERT OR REPLACE INTO sql_chunks VALUES (?, ?, ?, ?, ?)", (id, position, offset, len(chunk), part)
                )
            manifest = {
                "format": "JSON_ARRAY",
                "schema": {"column_count": len(columns), "columns": columns},
                "chunks": described,
                "total_chunk_count": len(parts),
                "total_row_count": len(rows),
                "truncated": truncated,
            }
            self._end(id, "SUCCEEDED", {"manifest": manifest})

    def _fail(self, id: str, message: str, error_code: str = "BAD_REQUEST") -> None:
        self._end(id, "FAILED", {}, {"error": {"error_code": error_code, "message": message}})

    def _cancel(self, id: str) -> None:
        running = self._running.get(id)
        self._end(id, "CANCELED", {})
        if running is None:
            return
        with running.lock:
            running.canceled = True
            session = running.session
        if session is not None:
            with contextlib.suppress(Exception):  # it may have ended by itself just now
                session.interruptAll()

    def _end(self, id: str, state: str, more: Body, status: Body | None = None) -> None:
        """The first end of a statement is the one that counts."""
        answer = {"statement_id": id, "status": {"state": state, **(status or {})}, **more}
        with self._store.write() as tx:
            tx.execute(
                "UPDATE sql_statements SET state = ?, answer = ? WHERE id = ? AND state = 'RUNNING'",
                (state, json.dumps(answer), id),
            )

    def _own(self, principal: Principal, id: str) -> Any:
        row = self._store.row("SELECT * FROM sql_statements WHERE id = ?", (id,))
        if row is None:
            raise NotFound(f"The statement {id} was not found.")
        if row["principal"] != principal.name:
            raise PermissionDenied(f"statement {id} belongs to somebody else")
        return row

    def _fail_interrupted(self) -> None:
        for row in self._store.rows("SELECT id FROM sql_statements WHERE state = 'RUNNING'"):
            self._fail(row["id"], "the workspace was restarted while the statement was running", "ABORTED")


def _wait_seconds(text: str) -> float:
    seconds = float(text.removesuffix("s")) if text.endswith("s") and text[:-1].isdigit() else -1.0
    if seconds != 0 and not 5 <= seconds <= 50:
        raise BadRequest(f"wait_timeout must be 0s or between 5s and 50s, not '{text}'")
    return seconds
