"""Where managed tables, volumes and models keep their files, and how dropped ones go without losing what is in use."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from infra.workspace.config import WorkspaceConfig
from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS uc_trash (id TEXT PRIMARY KEY, location TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS uc_staging (
    location TEXT PRIMARY KEY, id TEXT NOT NULL, full_name TEXT NOT NULL, principal TEXT NOT NULL,
    created_at INTEGER NOT NULL);
"""
_STAGING_MS = 24 * 3600 * 1000


class ManagedStorage:
    """Folders under the workspace's data, one for each managed object, named by the object's id.

    A drop is first written down with the transaction that removes the object, then done; a kill in between leaves the
    note, and the next start finishes the work.
    """

    def __init__(self, store: Store, config: WorkspaceConfig) -> None:
        self._store = store
        self.data_dir = config.data_dir.resolve()
        self._root = config.folder("storage").resolve()
        store.schema("catalog", _SCHEMA)
        self._discard_staged()
        self.purge()

    def location(self, plural: str, id: str) -> str:
        """The file:// address of a managed object's folder; the folder is not made here."""
        return as_uri(self._root / plural / id)

    def stage(self, id: str, full_name: str, principal: str, now_ms: int) -> str:
        """Sets a folder aside for a managed table that an engine is about to create."""
        location = self.location("tables", id)
        with self._store.write() as tx:
            tx.execute("DELETE FROM uc_staging WHERE created_at < ?", (now_ms - _STAGING_MS,))
            tx.execute("INSERT INTO uc_staging VALUES (?, ?, ?, ?, ?)", (location, id, full_name, principal, now_ms))
        return location

    def staged(self, location: str, full_name: str, principal: str) -> str | None:
        """The id that belongs to a staged folder, if this principal staged it for this name."""
        row = self._store.row(
            "SELECT id FROM uc_staging WHERE location = ? AND full_name = ? AND principal = ?",
            (location.rstrip("/"), full_name, principal),
        )
        return row["id"] if row else None

    def unstage(self, location: str) -> None:
        """Forgets the staging once the table stands; call it in the transaction that adds the table."""
        with self._store.write() as tx:
            tx.execute("DELETE FROM uc_staging WHERE location = ?", (location.rstrip("/"),))

    def discard(self, id: str, location: str) -> None:
        """Notes that a folder is to go; call it in the transaction that removes the object, then `purge`."""
        with self._store.write() as tx:
            tx.execute("INSERT OR REPLACE INTO uc_trash VALUES (?, ?)", (id, location))

    def _discard_staged(self) -> None:
        """What was staged before a restart was never finished: the engines that staged it ended with the workspace."""
        with self._store.write() as tx:
            tx.execute("INSERT OR REPLACE INTO uc_trash SELECT id, location FROM uc_staging")
            tx.execute("DELETE FROM uc_staging")

    def purge(self) -> None:
        """Deletes what has been discarded; a folder that cannot be deleted now stays noted for the next time."""
        for row in self._store.rows("SELECT id, location FROM uc_trash"):
            path = local_path(row["location"])
            if path is not None and self.holds(path) and not self._delete(path, row["id"]):
                continue
            with self._store.write() as tx:
                tx.execute("DELETE FROM uc_trash WHERE id = ?", (row["id"],))

    def _delete(self, path: Path, id: str) -> bool:
        """Renames the folder away first, so that nobody finds half of it; True when all of it is gone."""
        trash = self._root / "trash" / id
        with contextlib.suppress(OSError):
            trash.parent.mkdir(exist_ok=True)
            path.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)
        return not trash.exists() and not path.exists()

    def is_own(self, path: Path, id: str) -> bool:
        """Whether this is the folder of the managed object with that id, and so goes with it."""
        return path.name == id and self.holds(path)

    def holds(self, path: Path) -> bool:
        """Whether a path lies in managed storage."""
        return path.resolve().is_relative_to(self._root)


def as_uri(path: Path) -> str:
    return "file://" + quote(str(path))


def local_path(location: str) -> Path | None:
    """The path on this machine that a location names; None for one in a cloud."""
    parts = urlsplit(location)
    if parts.scheme not in ("", "file"):
        return None
    return Path(unquote(parts.path))
