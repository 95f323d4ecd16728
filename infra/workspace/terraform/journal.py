"""Creations under way, kept on disk: what a workspace that was killed had begun and Terraform was not told of.

Terraform knows an object only once the provider has answered. If the workspace is killed before that, the object may be
there and no state names it; the same command again must then take it over instead of failing on its name.
"""

from collections.abc import Mapping
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.store.database import Store

_NAMING = ("catalog_name", "schema_name", "display_name", "user_name", "name", "path", "git_provider")


def name_of(new: Mapping[str, Any]) -> str:
    """What people call an object: its full name, from the arguments that name it."""
    return ".".join(str(new[part]) for part in _NAMING if isinstance(new.get(part), str) and new[part])


class Journal:
    """Creations by type and name. Opening it marks what is left of the last process as interrupted."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        store.schema(
            "terraform",
            "CREATE TABLE IF NOT EXISTS terraform_creations (type TEXT NOT NULL, name TEXT NOT NULL,"
            " peer TEXT, begun_ms INTEGER NOT NULL, PRIMARY KEY (type, name));",
        )
        with store.write() as connection:
            connection.execute("UPDATE terraform_creations SET peer = NULL")

    def interrupted(self, type_name: str, name: str) -> int | None:
        """When a creation was begun that was interrupted, in milliseconds; None if there was none of that name."""
        row = self._store.row(
            "SELECT begun_ms FROM terraform_creations WHERE type = ? AND name = ? AND peer IS NULL", (type_name, name)
        )
        return None if row is None else int(row["begun_ms"])

    def begin(self, peer: str, type_name: str, name: str) -> None:
        """Before the request that creates; a creation that was interrupted keeps its beginning."""
        with self._store.write() as connection:
            connection.execute(
                "INSERT INTO terraform_creations VALUES (?, ?, ?, ?)"
                " ON CONFLICT (type, name) DO UPDATE SET peer = excluded.peer,"
                " begun_ms = CASE WHEN peer IS NULL THEN begun_ms ELSE excluded.begun_ms END",
                (type_name, name, peer, self._clock.now_ms()),
            )

    def end(self, peer: str) -> None:
        """When the connection has ended: Terraform has all answers."""
        with self._store.write() as connection:
            connection.execute("DELETE FROM terraform_creations WHERE peer = ?", (peer,))

    def unfinished(self) -> list[str]:
        """Types and names of the creations that were interrupted, the oldest first."""
        rows = self._store.rows(
            "SELECT type, name FROM terraform_creations WHERE peer IS NULL ORDER BY begun_ms, rowid"
        )
        return [f"{row['type']} {row['name']}" for row in rows]
