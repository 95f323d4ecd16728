"""Which experiment a run, model, trace or artifact belongs to: looked up in MLflow's database, read only."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

Kind = Literal["run", "logged model", "trace"]

_QUERIES: dict[Kind, str] = {
    "run": "SELECT experiment_id FROM runs WHERE run_uuid = ?",
    "logged model": "SELECT experiment_id FROM logged_models WHERE model_id = ?",
    "trace": "SELECT experiment_id FROM trace_info WHERE request_id = ?",
}
_ARTIFACTS = "mlflow-artifacts:/"


class Lineage:
    """Answers from the committed state; `ready` waits until the database exists."""

    def __init__(self, database: Path, ready: Callable[[], None]) -> None:
        self._database = database
        self._ready = ready
        self._local = threading.local()

    def experiment_of(self, kind: Kind, id: str) -> str | None:
        """The id of the experiment that a thing belongs to, None if there is no such thing."""
        row = self._connection().execute(_QUERIES[kind], (id,)).fetchone()
        return None if row is None else str(row[0])

    def models_at(self, path: str) -> list[str]:
        """The registered models of which a version's files lie at or above a path below the artifact root."""
        parts = path.split("/")
        places = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return self._models("storage_location", [_ARTIFACTS + place for place in places])

    def models_of(self, model_id: str) -> list[str]:
        """The registered models of which a version was made from a logged model."""
        return self._models("source", [f"models:/{model_id}"])

    def _models(self, column: Literal["storage_location", "source"], values: list[str]) -> list[str]:
        marks = ", ".join("?" * len(values))
        # The column is one of two names of ours; the values are bound.
        query = f"SELECT DISTINCT name FROM model_versions WHERE {column} IN ({marks})"  # noqa: S608
        return [row[0] for row in self._connection().execute(query, values)]

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            if not self._database.exists():
                self._ready()
            connection = sqlite3.connect(f"{self._database.as_uri()}?mode=ro", uri=True, timeout=30)
            self._local.connection = connection
        return connection
