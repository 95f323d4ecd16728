"""An empty MLflow database, migrated once for each version of MLflow and copied into every new workspace.

`python -m infra.workspace.tracking.template` makes it ahead of time (about ten seconds); a workspace that finds none
makes it itself.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from importlib.metadata import version
from pathlib import Path


def template_path() -> Path:
    """Where the template of the installed MLflow lies, in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "branchline" / f"mlflow-{version('mlflow')}.db"


def create_database(target: Path) -> None:
    """Puts an empty, migrated database at `target`, whole or not at all; one that is there stays."""
    if target.exists():
        return
    template = template_path()
    try:
        make_template(template)
    except OSError:
        # No cache can be kept (a read-only home, say): migrate straight into place.
        _migrated(target)
        return
    draft = target.with_suffix(".draft")
    shutil.copyfile(template, draft)
    draft.replace(target)


def make_template(template: Path) -> None:
    """Makes the template unless it is there; several processes may do so at once."""
    if not template.exists():
        template.parent.mkdir(parents=True, exist_ok=True)
        _migrated(template)


def _migrated(target: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / "mlflow.db"
        SqlAlchemyStore(f"sqlite:///{draft}", "mlflow-artifacts:/")._dispose_engine()
        connection = sqlite3.connect(draft)
        # Lasting properties of the file: readers and the writer do not wait for each other.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        draft.replace(target)


if __name__ == "__main__":
    make_template(template_path())
