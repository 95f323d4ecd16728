"""What is kept: one document for each monitor, by its table's id, and one row for each refresh."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents

_SCHEMA = """
CREATE TABLE IF NOT EXISTS monitor_refreshes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, table_id TEXT NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL,
    start_ms INTEGER NOT NULL, end_ms INTEGER, message TEXT, run_id INTEGER);
CREATE INDEX IF NOT EXISTS monitor_refreshes_by_table ON monitor_refreshes (table_id, id);
"""
ENDED = ("SUCCESS", "FAILED", "CANCELED")
_SHOWN = 25


@dataclass(frozen=True)
class Refresh:
    """One refresh. `cause` is MANUAL or SCHEDULE; `run_id` the job run that does the work, once there is one."""

    id: int
    table_id: str
    state: str
    cause: str
    start_ms: int
    end_ms: int | None = None
    message: str | None = None
    run_id: int | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def answer(self) -> dict[str, Any]:
        """REST's MonitorRefreshInfo."""
        fields = {
            "refresh_id": self.id,
            "state": self.state,
            "trigger": self.cause,
            "start_time_ms": self.start_ms,
            "end_time_ms": self.end_ms,
            "message": self.message,
        }
        return {name: value for name, value in fields.items() if value is not None}


class MonitorRecords:
    """Monitors and their refreshes, kept over a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.monitors = Documents(store, "quality-monitor")
        store.schema("monitors", _SCHEMA)

    def amend(self, table_id: str, **changes: Any) -> dict[str, Any] | None:
        """Changes fields of a monitor; the monitor as it is then, None where there is none any more."""
        with self._store.write():
            monitor = self.monitors.get(table_id)
            if monitor is not None:
                monitor |= changes
                self.monitors.put(table_id, monitor)
        return monitor

    def add_refresh(self, table_id: str, cause: str, now_ms: int) -> Refresh:
        with self._store.write() as tx:
            made = tx.execute(
                "INSERT INTO monitor_refreshes (table_id, state, cause, start_ms) VALUES (?, 'PENDING', ?, ?)",
                (table_id, cause, now_ms),
            )
            return Refresh(int(made.lastrowid or 0), table_id, "PENDING", cause, now_ms)

    def refresh(self, table_id: str, refresh_id: int) -> Refresh | None:
        row = self._store.row("SELECT * FROM monitor_refreshes WHERE table_id = ? AND id = ?", (table_id, refresh_id))
        return None if row is None else _refresh(row)

    def refreshes(self, table_id: str) -> list[Refresh]:
        """The most recent ones, the latest first."""
        sql = "SELECT * FROM monitor_refreshes WHERE table_id = ? ORDER BY id DESC LIMIT ?"
        return [_refresh(row) for row in self._store.rows(sql, (table_id, _SHOWN))]

    def active(self, table_id: str | None = None) -> list[Refresh]:
        """Those that have not ended, the oldest first."""
        rows = self._store.rows(
            "SELECT * FROM monitor_refreshes WHERE state IN ('PENDING', 'RUNNING')"
            " AND (?1 IS NULL OR table_id = ?1) ORDER BY id",
            (table_id,),
        )
        return [_refresh(row) for row in rows]

    def change(self, refresh: Refresh, **changes: Any) -> Refresh | None:
        """Writes the changes unless the refresh has ended by now: its first end is the one that counts."""
        changed = replace(refresh, **changes)
        with self._store.write() as tx:
            done = tx.execute(
                "UPDATE monitor_refreshes SET state = ?, end_ms = ?, message = ?, run_id = ?"
                " WHERE id = ? AND state IN ('PENDING', 'RUNNING')",
                (changed.state, changed.end_ms, changed.message, changed.run_id, changed.id),
            )
            return changed if done.rowcount else None

    def remove(self, table_id: str) -> None:
        with self._store.write() as tx:
            self.monitors.delete(table_id)
            tx.execute("DELETE FROM monitor_refreshes WHERE table_id = ?", (table_id,))

    def close(self) -> None:
        """Closes this thread's connection."""
        self._store.close()


def _refresh(row: sqlite3.Row) -> Refresh:
    return Refresh(**dict(row))
