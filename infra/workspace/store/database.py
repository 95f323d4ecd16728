"""One SQLite file for all rooms: write-ahead log, one writer at a time, one connection per thread."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BUSY_MS = 30_000


class Store:
    """Transactions over one SQLite file.

    What `write()` committed survives a kill of the process at any moment. Reads see committed data, except in a thread
    that is inside its own `write()`, which also sees what it has written so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._writer = threading.RLock()
        self.schema(
            "store",
            """
            CREATE TABLE IF NOT EXISTS sequences (kind TEXT PRIMARY KEY, last INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS documents (
                kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id));
            CREATE UNIQUE INDEX IF NOT EXISTS documents_by_name ON documents (kind, name) WHERE name IS NOT NULL;
            """,
        )

    def schema(self, room: str, statements: str) -> None:
        """Creates a room's tables and indexes; every statement must be one that may be repeated."""
        with self.write() as connection:
            for statement in _split(statements):
                try:
                    connection.execute(statement)
                except sqlite3.Error as error:
                    raise sqlite3.OperationalError(f"{self.path}: tables of room {room}: {error}") from error

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A write transaction; a nested call joins the outer one, an exception rolls all of it back."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        with self._writer:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.commit()  # fails on a full disk, and would leave the transaction open
            except BaseException:
                connection.rollback()
                raise

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[sqlite3.Row]:
        return self._connection().execute(sql, arguments).fetchall()

    def row(self, sql: str, arguments: Sequence[Any] = ()) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._connection().execute(sql, arguments).fetchone()
        return found

    def next_id(self, kind: str, start: int = 1) -> int:
        """The next number of a sequence; a number is never given twice, also after a deletion."""
        with self.write() as connection:
            connection.execute(
                "INSERT INTO sequences (kind, last) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET last = last + 1",
                (kind, start),
            )
            found = connection.execute("SELECT last FROM sequences WHERE kind = ?", (kind,)).fetchone()
            return int(found["last"])

    def close(self) -> None:
        """Closes this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_MS / 1000)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection


def _split(statements: str) -> Iterator[str]:
    """SQLite's own idea of where a statement ends, so that triggers may hold semicolons."""
    pending = ""
    for part in statements.split(";"):
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \n;"):
                yield pending
            pending = ""
