"""Who was given which level on which object, as rows."""

from __future__ import annotations

from collections.abc import Mapping

from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS acl_entries (
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    principal_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    level TEXT NOT NULL,
    PRIMARY KEY (object_type, object_id, principal_id));
"""
# The holders of a level that count for a principal: itself and every group above it.
_HELD = """
WITH RECURSIVE holders (id) AS (
    SELECT ?3 UNION SELECT m.group_id FROM memberships m JOIN holders h ON m.member_id = h.id)
SELECT level FROM acl_entries
WHERE object_type = ?1 AND object_id = ?2 AND principal_id IN (SELECT id FROM holders)
"""


class AclStore:
    """One direct level per principal and object."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.schema("permissions", _SCHEMA)

    def entries(self, object_type: str, object_id: str) -> dict[int, str]:
        """The direct levels on an object by principal id, in the order in which they were first given."""
        rows = self._store.rows(
            "SELECT principal_id, level FROM acl_entries WHERE object_type = ? AND object_id = ? ORDER BY rowid",
            (object_type, object_id),
        )
        return {row["principal_id"]: row["level"] for row in rows}

    def held(self, object_type: str, object_id: str, principal_id: int) -> list[str]:
        """The direct levels on an object that a principal has itself or through its groups."""
        return [row["level"] for row in self._store.rows(_HELD, (object_type, object_id, principal_id))]

    def replace(self, object_type: str, object_id: str, entries: Mapping[int, str]) -> None:
        with self._store.write() as connection:
            self.forget(object_type, object_id)
            connection.executemany(
                "INSERT INTO acl_entries VALUES (?, ?, ?, ?)",
                [(object_type, object_id, principal, level) for principal, level in entries.items()],
            )

    def forget(self, object_type: str, object_id: str) -> None:
        with self._store.write() as connection:
            connection.execute(
                "DELETE FROM acl_entries WHERE object_type = ? AND object_id = ?", (object_type, object_id)
            )
