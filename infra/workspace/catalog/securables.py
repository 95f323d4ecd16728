"""Every securable of the metastore in one table: identity, place, owner, and a JSON body for what its kind adds."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.workspace.catalog import names
from infra.workspace.catalog.kinds import KINDS, Kind
from infra.workspace.control.clock import Clock
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS uc_securables (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, parent TEXT REFERENCES uc_securables (id), name TEXT NOT NULL,
    owner TEXT NOT NULL, created_at INTEGER NOT NULL, created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL, updated_by TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS uc_securables_by_name ON uc_securables (parent, kind, name);
"""


@dataclass(frozen=True)
class Securable:
    """One securable as stored; `full_name` follows from where it is now."""

    id: str
    kind: Kind
    parent: str | None
    name: str
    full_name: str
    owner: str
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str
    body: Mapping[str, Any]

    def parts(self) -> tuple[str, ...]:
        return tuple(self.full_name.split("."))

    def audit(self) -> dict[str, Any]:
        """The fields that every kind answers alike; times in milliseconds since the epoch."""
        return {
            "owner": self.owner,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "updated_at": self.updated_at,
            "updated_by": self.updated_by,
        }


class Securables:
    """Finds, adds, changes and removes securables; who may do so is decided elsewhere."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        store.schema("catalog", _SCHEMA)
        self.metastore = self._metastore()

    def find(self, kind: Kind, full_name: str) -> Securable | None:
        """The securable of that kind and name, or None where it, or what would hold it, does not exist."""
        if kind.name == "metastore":
            return self.metastore if full_name in (self.metastore.id, self.metastore.name) else None
        found: Securable | None = self.metastore
        for level, name in zip(_path(kind), names.split(full_name, kind.depth, kind.label), strict=True):
            found = self._child(found, level, name) if found else None
        return found

    def get(self, kind: Kind, full_name: str) -> Securable:
        """As `find`; raises Databricks' NotFound for the first part of the name that does not exist."""
        if kind.name == "metastore":
            metastore = self.find(kind, full_name)
            if metastore is None:
                raise kind.missing(full_name)
            return metastore
        found = self.metastore
        for level, name in zip(_path(kind), names.split(full_name, kind.depth, kind.label), strict=True):
            child = self._child(found, level, name)
            if child is None:
                raise level.missing(name if found is self.metastore else f"{found.full_name}.{name}")
            found = child
        return found

    def lineage(self, securable: Securable) -> list[Securable]:
        """The securable, what holds it, and so on up to the metastore."""
        line = [securable]
        while line[-1].parent is not None:
            line.append(self.by_id(line[-1].parent))
        return line

    def by_id(self, id: str) -> Securable:
        if id == getattr(getattr(self, "metastore", None), "id", None):
            return self.metastore
        row = self._store.row("SELECT * FROM uc_securables WHERE id = ?", (id,))
        if row is None:
            raise LookupError(f"no securable with id {id}")
        return self._securable(row, self.by_id(row["parent"]) if row["parent"] else None)

    def children(self, parent: Securable, kind: Kind | None = None) -> list[Securable]:
        """What a securable holds, by name."""
        rows = self._store.rows(
            "SELECT * FROM uc_securables WHERE parent = ? AND (? IS NULL OR kind = ?) ORDER BY name",
            (parent.id, kind and kind.name, kind and kind.name),
        )
        return [self._securable(row, parent) for row in rows]

    def descendants(self, securable: Securable) -> Iterator[Securable]:
        """Everything inside, the innermost first: the order in which it can be removed."""
        for child in self.children(securable):
            yield from self.descendants(child)
            yield child

    def add(
        self,
        kind: Kind,
        parent: Securable,
        name: str,
        principal: Principal,
        body: Mapping[str, Any],
        id: str | None = None,
    ) -> Securable:
        """Adds a securable owned by the principal; raises ObjectExists if the name is taken."""
        now = self._clock.now_ms()
        full_name = name if parent.kind.name == "metastore" else f"{parent.full_name}.{name}"
        key, by = id or str(uuid.uuid4()), principal.name
        with self._store.write() as tx:
            try:
                tx.execute(
                    "INSERT INTO uc_securables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (key, kind.name, parent.id, name, by, now, by, now, by, json.dumps(dict(body))),
                )
            except sqlite3.IntegrityError as error:
                raise kind.exists(full_name) from error
        return self.by_id(key)

    def change(
        self,
        securable: Securable,
        principal: Principal,
        *,
        body: Mapping[str, Any] | None = None,
        owner: str | None = None,
        name: str | None = None,
    ) -> Securable:
        """Changes what is given; `body` replaces only the keys that it names, a None removes the key."""
        merged = {**securable.body, **(body or {})}
        merged = {key: value for key, value in merged.items() if value is not None}
        with self._store.write() as tx:
            try:
                tx.execute(
                    "UPDATE uc_securables SET name = ?, owner = ?, body = ?, updated_at = ?, updated_by = ?"
                    " WHERE id = ?",
                    (
                        name or securable.name,
                        owner or securable.owner,
                        json.dumps(merged),
                        self._clock.now_ms(),
                        principal.name,
                        securable.id,
                    ),
                )
            except sqlite3.IntegrityError as error:
                raise securable.kind.exists(name or securable.name) from error
        if securable.id == self.metastore.id:
            self.metastore = self._metastore()
        return self.by_id(securable.id)

    def remove(self, securable: Securable) -> None:
        """Removes one securable, which must be empty by now."""
        with self._store.write() as tx:
            tx.execute("DELETE FROM uc_securables WHERE id = ?", (securable.id,))

    def _child(self, parent: Securable, kind: Kind, name: str) -> Securable | None:
        row = self._store.row(
            "SELECT * FROM uc_securables WHERE parent = ? AND kind = ? AND name = ?", (parent.id, kind.name, name)
        )
        return None if row is None else self._securable(row, parent)

    def _securable(self, row: sqlite3.Row, parent: Securable | None) -> Securable:
        top = parent is None or parent.kind.name == "metastore"
        return Securable(
            id=row["id"],
            kind=KINDS[row["kind"]],
            parent=row["parent"],
            name=row["name"],
            full_name=row["name"] if top or parent is None else f"{parent.full_name}.{row['name']}",
            owner=row["owner"],
            created_at=row["created_at"],
            created_by=row["created_by"],
            updated_at=row["updated_at"],
            updated_by=row["updated_by"],
            body=json.loads(row["body"]),
        )

    def _metastore(self) -> Securable:
        """The one metastore, made with the workspace; its owner is the group of the workspace's admins."""
        with self._store.write() as tx:
            row = tx.execute("SELECT * FROM uc_securables WHERE kind = 'metastore'").fetchone()
            if row is None:
                now = self._clock.now_ms()
                tx.execute(
                    "INSERT INTO uc_securables VALUES (?, 'metastore', NULL, 'local', 'admins', ?, 'System user', ?,"
                    " 'System user', '{}')",
                    (str(uuid.uuid4()), now, now),
                )
                row = tx.execute("SELECT * FROM uc_securables WHERE kind = 'metastore'").fetchone()
        return self._securable(row, None)


def _path(kind: Kind) -> list[Kind]:
    """The kinds from just below the metastore down to this one."""
    path = [kind]
    while path[0].parent not in (None, "metastore"):
        path.insert(0, KINDS[str(path[0].parent)])
    return path
