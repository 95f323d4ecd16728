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
            " begun_ms INTEGER NOT NULL, interrupted INTEGER NOT NULL, PRIMARY KEY (type, name));",
        )
        with store.write() as connection:
            connection.execute("UPDATE terraform_creations SET interrupted = 1")

    def begin(self, type_name: str, name: str) -> int | None:
        """Before the request that creates; when it was begun first, in ms, if that was interrupted."""
        with self._store.write() as connection:
            row = connection.execute(
                "SELECT begun_ms FROM terraform_creations WHERE type = ? AND name = ? AND interrupted",
                (type_name, name),
            ).fetchone()
            begun_ms = self._clock.now_ms() if row is None else int(row["begun_ms"])
            connection.execute(
                "INSERT OR REPLACE INTO terraform_creations VALUES (?, ?, ?, 0)", (type_name, name, begun_ms)
            )
        return None if row is None else begun_ms

    def end(self, type_name: str, name: str, *, told: bool) -> None:
        """When the call has ended; `told` says whether Terraform has got the answer."""
        with self._store.write() as connection:
            if told:
                connection.execute("DELETE FROM terraform_creations WHERE type = ? AND name = ?", (type_name, name))
            else:
                connection.execute(
                    "UPDATE terraform_creations SET interrupted = 1 WHERE type = ? AND name = ?", (type_name, name)
                )

    def unfinished(self) -> list[str]:
        """Types and names of the creations that were interrupted, the oldest first."""
        rows = self._store.rows("SELECT type, name FROM terraform_creations WHERE interrupted ORDER BY begun_ms, rowid")
        return [f"{row['type']} {row['name']}" for row in rows]
