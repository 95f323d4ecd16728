"""JSON documents of one kind: what most rooms keep."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from infra.workspace.store.database import Store

Document = dict[str, Any]


class NameTaken(Exception):
    """Another document of the kind has that name."""


class Documents:
    """The documents of one kind, by id and, where a kind has names, by its unique name."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self._kind = kind

    def next_id(self, start: int = 1) -> int:
        return self._store.next_id(self._kind, start)

    def get(self, id: object) -> Document | None:
        return _document(self._store.row("SELECT body FROM documents WHERE kind = ? AND id = ?", (self._kind, str(id))))

    def find(self, name: str) -> Document | None:
        return _document(self._store.row("SELECT body FROM documents WHERE kind = ? AND name = ?", (self._kind, name)))

    def all(self) -> list[Document]:
        """Every document, oldest first."""
        rows = self._store.rows("SELECT body FROM documents WHERE kind = ? ORDER BY rowid", (self._kind,))
        return [json.loads(row["body"]) for row in rows]

    def put(self, id: object, body: Mapping[str, Any], name: str | None = None) -> None:
        """Writes a document whole; raises NameTaken if another one of the kind bears the name."""
        with self._store.write() as connection:
            try:
                connection.execute(
                    "INSERT INTO documents (kind, id, name, body) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, body = excluded.body",
                    (self._kind, str(id), name, json.dumps(body)),
                )
            except sqlite3.IntegrityError as error:
                raise NameTaken(f"a {self._kind} named {name!r} exists already") from error

    def delete(self, id: object) -> bool:
        with self._store.write() as connection:
            deleted = connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (self._kind, str(id)))
            return deleted.rowcount > 0


def _document(row: sqlite3.Row | None) -> Document | None:
    return None if row is None else json.loads(row["body"])
