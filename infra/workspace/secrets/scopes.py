"""Secret scopes, their access control lists and their sealed secrets, as rows."""

from __future__ import annotations

from dataclasses import dataclass

from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secret_scopes (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS secret_acls (
    scope TEXT NOT NULL REFERENCES secret_scopes (name) ON DELETE CASCADE,
    principal_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (scope, principal_id));
CREATE TABLE IF NOT EXISTS secrets (
    scope TEXT NOT NULL REFERENCES secret_scopes (name) ON DELETE CASCADE,
    key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    updated_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (scope, key));
"""


@dataclass(frozen=True)
class Sealed:
    """One secret as it is kept; a `version` is never used twice, so that it can stand for the value in a cache."""

    key: str
    value: bytes
    updated_ms: int
    version: int


class Scopes:
    """Rows only: who may read or change them is decided by the service."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.schema("secrets", _SCHEMA)

    def names(self) -> list[str]:
        return [row["name"] for row in self._store.rows("SELECT name FROM secret_scopes ORDER BY rowid")]

    def exists(self, scope: str) -> bool:
        return self._store.row("SELECT 1 FROM secret_scopes WHERE name = ?", (scope,)) is not None

    def add(self, scope: str) -> None:
        with self._store.write() as connection:
            connection.execute("INSERT INTO secret_scopes VALUES (?)", (scope,))

    def remove(self, scope: str) -> None:
        with self._store.write() as connection:
            connection.execute("DELETE FROM secret_scopes WHERE name = ?", (scope,))

    def acls(self, scope: str) -> dict[int, str]:
        """Permissions by principal id."""
        rows = self._store.rows(
            "SELECT principal_id, permission FROM secret_acls WHERE scope = ? ORDER BY rowid", (scope,)
        )
        return {row["principal_id"]: row["permission"] for row in rows}

    def put_acl(self, scope: str, principal_id: int, permission: str) -> None:
        with self._store.write() as connection:
            connection.execute(
                "INSERT INTO secret_acls VALUES (?, ?, ?)"
                " ON CONFLICT (scope, principal_id) DO UPDATE SET permission = excluded.permission",
                (scope, principal_id, permission),
            )

    def delete_acl(self, scope: str, principal_id: int) -> bool:
        with self._store.write() as connection:
            deleted = connection.execute(
                "DELETE FROM secret_acls WHERE scope = ? AND principal_id = ?", (scope, principal_id)
            )
            return deleted.rowcount > 0

    def secrets(self, scope: str) -> list[Sealed]:
        rows = self._store.rows("SELECT * FROM secrets WHERE scope = ? ORDER BY key", (scope,))
        return [Sealed(row["key"], row["sealed"], row["updated_ms"], row["version"]) for row in rows]

    def secret(self, scope: str, key: str) -> Sealed | None:
        return next((sealed for sealed in self.secrets(scope) if sealed.key == key), None)

    def put_secret(self, scope: str, key: str, sealed: bytes, updated_ms: int) -> None:
        with self._store.write() as connection:
            connection.execute(
                "INSERT INTO secrets VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, key) DO UPDATE SET"
                " sealed = excluded.sealed, updated_ms = excluded.updated_ms, version = excluded.version",
                (scope, key, sealed, updated_ms, self._store.next_id("secret_version")),
            )

    def delete_secret(self, scope: str, key: str) -> bool:
        with self._store.write() as connection:
            deleted = connection.execute("DELETE FROM secrets WHERE scope = ? AND key = ?", (scope, key))
            return deleted.rowcount > 0
