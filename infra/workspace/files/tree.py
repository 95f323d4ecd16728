"""The workspace tree as stored: which objects there are, where, and what they hold."""

from __future__ import annotations

import os
import re
import sqlite3
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.files import paths
from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS workspace_objects (
    path TEXT PRIMARY KEY, parent TEXT NOT NULL, object_type TEXT NOT NULL, object_id INTEGER NOT NULL,
    language TEXT, format TEXT, content TEXT, size INTEGER, created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS workspace_objects_by_parent ON workspace_objects (parent);
CREATE UNIQUE INDEX IF NOT EXISTS workspace_objects_by_id ON workspace_objects (object_type, object_id);
"""
# Experiments are numbered by MLflow from 1; all other objects well above, so that a number names one object.
_FIRST_ID = 1_000_000_000_001

# The word for each type of object in /api/2.0/permissions/{word}/{id}.
PERMISSION_TYPES = {
    "DIRECTORY": "directories",
    "NOTEBOOK": "notebooks",
    "FILE": "files",
    "REPO": "repos",
    "MLFLOW_EXPERIMENT": "experiments",
    "DASHBOARD": "dashboards",
}
# Types whose own APIs know their objects by an id in hexadecimal digits; those of the others are the tree's numbers.
_HEXADECIMAL = frozenset({"DASHBOARD"})
_HEX_PREFIX = "01f0"


@dataclass(frozen=True)
class Node:
    """One object of the tree; `content` names its file, times are milliseconds since the epoch."""

    path: str
    object_type: str
    object_id: int
    language: str | None
    format: str | None
    content: str | None
    size: int | None
    created_at: int
    modified_at: int

    @property
    def container(self) -> bool:
        return self.object_type in ("DIRECTORY", "REPO")

    @property
    def permission_type(self) -> str:
        return PERMISSION_TYPES[self.object_type]

    @property
    def resource_id(self) -> str:
        """The id by which the object's own API and the Permissions API know it."""
        return f"{_HEX_PREFIX}{self.object_id:028x}" if self.object_type in _HEXADECIMAL else str(self.object_id)

    def info(self) -> dict[str, Any]:
        """The object as `get-status` and `list` answer it."""
        info: dict[str, Any] = {
            "path": self.path,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "resource_id": self.resource_id,
        }
        if self.object_type in ("NOTEBOOK", "FILE"):
            info |= {"created_at": self.created_at, "modified_at": self.modified_at}
        if self.object_type == "FILE":
            info["size"] = self.size
        if self.language:
            info["language"] = self.language
        return info


def number_of(object_type: str, resource_id: str) -> int | None:
    """The tree's number of an object by its `resource_id`; None for what is no such id."""
    if object_type not in _HEXADECIMAL:
        return int(resource_id) if resource_id.isdecimal() else None
    digits = resource_id.removeprefix(_HEX_PREFIX)
    return int(digits, 16) if re.fullmatch(r"[0-9a-f]{28}", digits) else None


class Tree:
    """Finds, adds, moves and removes objects; who may do so is decided elsewhere."""

    def __init__(self, store: Store, clock: Clock, contents: Path) -> None:
        self._store = store
        self._clock = clock
        self._contents = contents
        store.schema("files", _SCHEMA)
        for path in ("/", "/Users", "/Shared", "/Repos"):
            if self.find(path) is None:
                self.add(path, "DIRECTORY")
        self._sweep()

    def find(self, path: str) -> Node | None:
        return _node(self._store.row("SELECT * FROM workspace_objects WHERE path = ?", (path,)))

    def find_id(self, object_type: str, object_id: int) -> Node | None:
        return _node(
            self._store.row(
                "SELECT * FROM workspace_objects WHERE object_type = ? AND object_id = ?", (object_type, object_id)
            )
        )

    def children(self, path: str) -> list[Node]:
        rows = self._store.rows(
            "SELECT * FROM workspace_objects WHERE parent = ? AND path != '/' ORDER BY path", (path,)
        )
        return [node for node in map(_node, rows) if node]

    def below(self, path: str) -> list[Node]:
        """Everything under a path, deepest first; not the object at the path itself."""
        start = path.rstrip("/") + "/"
        rows = self._store.rows(
            "SELECT * FROM workspace_objects WHERE substr(path, 1, ?) = ? AND path != '/' ORDER BY path DESC",
            (len(start), start),
        )
        return [node for node in map(_node, rows) if node]

    def add(
        self,
        path: str,
        object_type: str,
        *,
        object_id: int | None = None,
        language: str | None = None,
        format: str | None = None,
        data: bytes | None = None,
    ) -> Node:
        """Adds an object; raises sqlite3.IntegrityError where one is at the path."""
        content = None if data is None else self._keep(data)
        with self._store.write() as tx:
            number = object_id if object_id is not None else self._store.next_id("workspace object", _FIRST_ID)
            now = self._clock.now_ms()
            size = None if data is None else len(data)
            tx.execute(
                "INSERT INTO workspace_objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (path, paths.parent_of(path), object_type, number, language, format, content, size, now, now),
            )
        return Node(path, object_type, number, language, format, content, size, now, now)

    def replace(self, node: Node, data: bytes, language: str | None, format: str | None) -> None:
        """New contents for a file or notebook that keeps its id; the old ones go once the new ones are committed."""
        content = self._keep(data)
        with self._store.write() as tx:
            tx.execute(
                "UPDATE workspace_objects SET content = ?, size = ?, language = ?, format = ?, modified_at = ?"
                " WHERE path = ?",
                (content, len(data), language, format, self._clock.now_ms(), node.path),
            )
        self.drop_content(node)

    def move(self, node: Node, path: str) -> None:
        """Another path for one object; raises sqlite3.IntegrityError where it is taken. Children do not follow."""
        with self._store.write() as tx:
            tx.execute(
                "UPDATE workspace_objects SET path = ?, parent = ? WHERE path = ?",
                (path, paths.parent_of(path), node.path),
            )

    def remove(self, node: Node) -> None:
        """Removes the entry; call `drop_content` once the transaction is committed."""
        with self._store.write() as tx:
            tx.execute("DELETE FROM workspace_objects WHERE path = ?", (node.path,))

    def read(self, node: Node) -> bytes:
        return (self._contents / node.content).read_bytes() if node.content else b""

    def drop_content(self, node: Node) -> None:
        if node.content:
            (self._contents / node.content).unlink(missing_ok=True)

    def _keep(self, data: bytes) -> str:
        """Writes contents to the disk before anything refers to them."""
        name = uuid.uuid4().hex
        with (self._contents / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return name

    def _sweep(self) -> None:
        """Deletes contents that nothing refers to: what a kill between writing and committing left."""
        kept = {row["content"] for row in self._store.rows("SELECT content FROM workspace_objects")}
        for file in self._contents.iterdir():
            if file.name not in kept:
                file.unlink()


def _node(row: sqlite3.Row | None) -> Node | None:
    if row is None:
        return None
    return Node(
        path=row["path"],
        object_type=row["object_type"],
        object_id=row["object_id"],
        language=row["language"],
        format=row["format"],
        content=row["content"],
        size=row["size"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
    )
