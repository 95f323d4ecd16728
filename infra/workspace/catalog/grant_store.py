"""Who has been given which privilege on which securable."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from infra.workspace.catalog.securables import Securable
from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS uc_grants (
    securable TEXT NOT NULL REFERENCES uc_securables (id) ON DELETE CASCADE,
    principal TEXT NOT NULL, privilege TEXT NOT NULL, PRIMARY KEY (securable, principal, privilege));
"""


class Grants:
    """The grants by securable; they go when the securable goes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.schema("catalog", _SCHEMA)

    def on(self, securable: Securable) -> Mapping[str, frozenset[str]]:
        """Privileges by the name of the principal, oldest principal first."""
        found: dict[str, set[str]] = {}
        rows = self._store.rows(
            "SELECT principal, privilege FROM uc_grants WHERE securable = ? ORDER BY rowid", (securable.id,)
        )
        for row in rows:
            found.setdefault(row["principal"], set()).add(row["privilege"])
        return {principal: frozenset(privileges) for principal, privileges in found.items()}

    def change(self, securable: Securable, principal: str, add: Collection[str], remove: Collection[str]) -> None:
        with self._store.write() as tx:
            tx.executemany(
                "DELETE FROM uc_grants WHERE securable = ? AND principal = ? AND privilege = ?",
                [(securable.id, principal, privilege) for privilege in remove],
            )
            tx.executemany(
                "INSERT OR IGNORE INTO uc_grants VALUES (?, ?, ?)",
                [(securable.id, principal, privilege) for privilege in sorted(add)],
            )
