"""Users, service principals and groups, and who is a member of what, as rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

ADMINS, USERS = "admins", "users"
SYSTEM_GROUPS = frozenset({ADMINS, USERS})
_FIRST_ID = 70_000_001

_SCHEMA = """
CREATE TABLE IF NOT EXISTS principals (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'service_principal', 'group')),
    name TEXT NOT NULL COLLATE NOCASE,
    display_name TEXT NOT NULL,
    active INTEGER NOT NULL,
    external_id TEXT,
    entitlements TEXT NOT NULL,
    roles TEXT NOT NULL,
    profile TEXT NOT NULL,
    UNIQUE (kind, name));
CREATE TABLE IF NOT EXISTS memberships (
    group_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    member_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, member_id));
CREATE INDEX IF NOT EXISTS memberships_by_member ON memberships (member_id);
"""
_GROUPS_OF = """
WITH RECURSIVE above (id) AS (
    SELECT group_id FROM memberships WHERE member_id = ?
    UNION SELECT m.group_id FROM memberships m JOIN above ON m.member_id = above.id)
SELECT p.id, p.name, p.entitlements FROM above JOIN principals p ON p.id = above.id
"""


class Kind(StrEnum):
    USER = "user"
    SERVICE_PRINCIPAL = "service_principal"
    GROUP = "group"


class NameInUse(Exception):
    """Another one of the kind bears the name."""


@dataclass(frozen=True)
class Record:
    """One user, service principal or group.

    `name` is the user name, the application id or the group's display name: what grants and ACLs use.
    `profile` keeps the attributes that nothing but SCIM reads (a user's name and e-mail addresses).
    """

    id: int
    kind: Kind
    name: str
    display_name: str
    active: bool = True
    external_id: str | None = None
    entitlements: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)


class Directory:
    """The rows; it decides nothing about who may change them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.schema("identity", _SCHEMA)

    def next_id(self) -> int:
        return self._store.next_id("principal", _FIRST_ID)

    def get(self, principal_id: int) -> Record | None:
        return _record(self._store.row("SELECT * FROM principals WHERE id = ?", (principal_id,)))

    def find(self, kind: Kind, name: str) -> Record | None:
        return _record(self._store.row("SELECT * FROM principals WHERE kind = ? AND name = ?", (kind.value, name)))

    def find_acting(self, name: str) -> Record | None:
        """The user of that name, or the service principal with that application id."""
        return self.find(Kind.USER, name) or self.find(Kind.SERVICE_PRINCIPAL, name)

    def all(self, kind: Kind) -> list[Record]:
        rows = self._store.rows("SELECT * FROM principals WHERE kind = ? ORDER BY id", (kind.value,))
        return [_from_row(row) for row in rows]

    def save(self, record: Record) -> None:
        """Writes a record whole; raises NameInUse."""
        values = {
            "id": record.id,
            "kind": record.kind.value,
            "name": record.name,
            "display_name": record.display_name,
            "active": int(record.active),
            "external_id": record.external_id,
            "entitlements": json.dumps(record.entitlements),
            "roles": json.dumps(record.roles),
            "profile": json.dumps(record.profile),
        }
        with self._store.write() as connection:
            try:
                connection.execute(
                    "INSERT INTO principals"
                    " (id, kind, name, display_name, active, external_id, entitlements, roles, profile)"
                    " VALUES (:id, :kind, :name, :display_name, :active, :external_id, :entitlements, :roles,"
                    " :profile) ON CONFLICT (id) DO UPDATE SET name = :name, display_name = :display_name,"
                    " active = :active, external_id = :external_id, entitlements = :entitlements,"
                    " roles = :roles, profile = :profile",
                    values,
                )
            except sqlite3.IntegrityError as error:
                raise NameInUse(record.name) from error

    def delete(self, principal_id: int) -> None:
        with self._store.write() as connection:
            connection.execute("DELETE FROM principals WHERE id = ?", (principal_id,))

    def members(self, group_id: int) -> list[Record]:
        """Direct members, in the order of their ids."""
        rows = self._store.rows(
            "SELECT p.* FROM memberships m JOIN principals p ON p.id = m.member_id WHERE m.group_id = ? ORDER BY p.id",
            (group_id,),
        )
        return [_from_row(row) for row in rows]

    def direct_groups(self, member_id: int) -> list[Record]:
        rows = self._store.rows(
            "SELECT p.* FROM memberships m JOIN principals p ON p.id = m.group_id WHERE m.member_id = ? ORDER BY p.id",
            (member_id,),
        )
        return [_from_row(row) for row in rows]

    def add_member(self, group_id: int, member_id: int) -> None:
        with self._store.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO memberships (group_id, member_id) VALUES (?, ?)", (group_id, member_id)
            )

    def set_members(self, group_id: int, member_ids: Iterable[int]) -> None:
        wanted = set(member_ids)
        with self._store.write() as connection:
            present = {
                row["member_id"]
                for row in connection.execute("SELECT member_id FROM memberships WHERE group_id = ?", (group_id,))
            }
            connection.executemany(
                "DELETE FROM memberships WHERE group_id = ? AND member_id = ?",
                [(group_id, member) for member in present - wanted],
            )
            connection.executemany(
                "INSERT INTO memberships (group_id, member_id) VALUES (?, ?)",
                [(group_id, member) for member in wanted - present],
            )

    def group_ids_above(self, member_id: int) -> set[int]:
        """Every group that holds the member, directly or through another group."""
        return {row["id"] for row in self._store.rows(_GROUPS_OF, (member_id,))}

    def entitlements(self, record: Record) -> frozenset[str]:
        """The entitlements that a principal has itself or through any of its groups."""
        found = set(record.entitlements)
        for row in self._store.rows(_GROUPS_OF, (record.id,)):
            found.update(json.loads(row["entitlements"]))
        return frozenset(found)

    def principal(self, record: Record) -> Principal:
        """The acting principal of a user's or service principal's record, with all its groups."""
        if record.kind is Kind.GROUP:
            raise ValueError(f"{record.name!r} is a group, which cannot act")
        groups = frozenset(row["name"] for row in self._store.rows(_GROUPS_OF, (record.id,)))
        return Principal(
            id=record.id,
            name=record.name,
            display_name=record.display_name,
            kind="user" if record.kind is Kind.USER else "service_principal",
            groups=groups,
            admin=ADMINS in groups,
        )


def _record(row: sqlite3.Row | None) -> Record | None:
    return None if row is None else _from_row(row)


def _from_row(row: sqlite3.Row) -> Record:
    return Record(
        id=row["id"],
        kind=Kind(row["kind"]),
        name=row["name"],
        display_name=row["display_name"],
        active=bool(row["active"]),
        external_id=row["external_id"],
        entitlements=tuple(json.loads(row["entitlements"])),
        roles=tuple(json.loads(row["roles"])),
        profile=json.loads(row["profile"]),
    )
