"""What is kept of runs: one row for each run of a job, one for each attempt at each of its tasks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.workspace.jobs.states import BLOCKED, PENDING, State
from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS job_runs (
    run_id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL, active INTEGER NOT NULL, start_ms INTEGER NOT NULL,
    idempotency TEXT UNIQUE, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS job_runs_by_job ON job_runs (job_id, start_ms);
CREATE INDEX IF NOT EXISTS job_runs_active ON job_runs (active);
CREATE TABLE IF NOT EXISTS task_runs (
    run_id INTEGER PRIMARY KEY, job_run_id INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS task_runs_by_run ON task_runs (job_run_id);
CREATE TABLE IF NOT EXISTS task_values (
    job_run_id INTEGER NOT NULL, task_key TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (job_run_id, task_key, key));
CREATE TABLE IF NOT EXISTS run_tokens (job_run_id INTEGER PRIMARY KEY, token TEXT NOT NULL);
"""


@dataclass
class JobRun:
    """One run of a job, or a one-time run (`job_id` 0). Times in milliseconds since 1970."""

    run_id: int
    job_id: int
    number: int
    settings: dict[str, Any]
    creator: str
    run_as: str
    trigger: str
    start_ms: int
    state: State = PENDING
    end_ms: int = 0
    run_start_ms: int = 0
    parameters: list[dict[str, str]] = field(default_factory=list)
    overriding: dict[str, Any] = field(default_factory=dict)
    used_commit: str = ""
    repairs: list[dict[str, Any]] = field(default_factory=list)
    trigger_run_id: int = 0
    queued_ms: int = 0


@dataclass
class TaskRun:
    """One attempt at one task. `position` orders tasks as the job lists them, `iteration` those of a for_each_task."""

    run_id: int
    job_run_id: int
    task: dict[str, Any]
    position: int
    attempt: int = 0
    original_run_id: int = 0
    state: State = BLOCKED
    start_ms: int = 0
    end_ms: int = 0
    cluster_id: str = ""
    resolved: dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    error: str = ""
    error_trace: str = ""
    child_run_id: int = 0
    parent_run_id: int = 0
    iteration: int = -1
    repair_id: int = 0

    @property
    def key(self) -> str:
        return str(self.task["task_key"])


class RunRecords:
    """Runs in the store. Every change is written before anyone is told of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.schema("jobs", _SCHEMA)

    def next_run_id(self) -> int:
        return self._store.next_id("run", 1001)

    def save(self, run: JobRun, idempotency: str | None = None) -> None:
        active = 0 if run.state.ended else 1
        with self._store.write() as tx:
            tx.execute(
                "INSERT INTO job_runs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id)"
                " DO UPDATE SET active = excluded.active, body = excluded.body",
                (run.run_id, run.job_id, active, run.start_ms, idempotency, json.dumps(asdict(run))),
            )

    def save_task(self, task: TaskRun) -> None:
        with self._store.write() as tx:
            tx.execute(
                "INSERT OR REPLACE INTO task_runs VALUES (?, ?, ?)",
                (task.run_id, task.job_run_id, json.dumps(asdict(task))),
            )

    def run(self, run_id: int) -> JobRun | None:
        return _run(self._store.row("SELECT body FROM job_runs WHERE run_id = ?", (run_id,)))

    def by_idempotency(self, token: str) -> JobRun | None:
        return _run(self._store.row("SELECT body FROM job_runs WHERE idempotency = ?", (token,)))

    def task_run(self, run_id: int) -> TaskRun | None:
        row = self._store.row("SELECT body FROM task_runs WHERE run_id = ?", (run_id,))
        return None if row is None else _task(row)

    def tasks(self, job_run_id: int) -> list[TaskRun]:
        """All attempts of a run's tasks, in the order of the job, iterations and attempts."""
        rows = self._store.rows("SELECT body FROM task_runs WHERE job_run_id = ?", (job_run_id,))
        return sorted(map(_task, rows), key=lambda task: (task.position, task.iteration, task.attempt, task.run_id))

    def runs(self, job_id: int | None = None, active: bool | None = None) -> list[JobRun]:
        """Runs, the latest first."""
        rows = self._store.rows(
            "SELECT body FROM job_runs WHERE (?1 IS NULL OR job_id = ?1) AND (?2 IS NULL OR active = ?2)"
            " ORDER BY start_ms DESC, run_id DESC",
            (job_id, None if active is None else int(active)),
        )
        return [run for run in map(_run, rows) if run is not None]

    def count_active(self, job_id: int) -> int:
        """Active runs of a job that are not waiting in its queue."""
        return sum(run.state.life != "QUEUED" for run in self.runs(job_id, active=True))

    def delete(self, run_id: int) -> None:
        with self._store.write() as tx:
            tx.execute("DELETE FROM job_runs WHERE run_id = ?", (run_id,))
            tx.execute("DELETE FROM task_runs WHERE job_run_id = ?", (run_id,))
            tx.execute("DELETE FROM task_values WHERE job_run_id = ?", (run_id,))

    def set_values(self, job_run_id: int, task_key: str, values: dict[str, Any]) -> None:
        with self._store.write() as tx:
            tx.executemany(
                "INSERT OR REPLACE INTO task_values VALUES (?, ?, ?, ?)",
                [(job_run_id, task_key, key, json.dumps(value)) for key, value in values.items()],
            )

    def values(self, job_run_id: int) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        rows = self._store.rows("SELECT task_key, key, value FROM task_values WHERE job_run_id = ?", (job_run_id,))
        for row in rows:
            found.setdefault(row["task_key"], {})[row["key"]] = json.loads(row["value"])
        return found

    def keep_token(self, job_run_id: int, token: str) -> None:
        """Remembers a run's token until it is revoked, so that a restart can revoke it."""
        with self._store.write() as tx:
            tx.execute("INSERT OR REPLACE INTO run_tokens VALUES (?, ?)", (job_run_id, token))

    def drop_token(self, job_run_id: int) -> None:
        with self._store.write() as tx:
            tx.execute("DELETE FROM run_tokens WHERE job_run_id = ?", (job_run_id,))

    def tokens(self) -> list[tuple[int, str]]:
        rows = self._store.rows("SELECT job_run_id, token FROM run_tokens")
        return [(int(row["job_run_id"]), str(row["token"])) for row in rows]


def latest(tasks: Sequence[TaskRun]) -> dict[str, TaskRun]:
    """The last attempt at each task, iterations left out."""
    return {task.key: task for task in tasks if task.iteration < 0}


def _run(row: sqlite3.Row | None) -> JobRun | None:
    if row is None:
        return None
    body = json.loads(row["body"])
    return JobRun(**{**body, "state": State(**body["state"])})


def _task(row: sqlite3.Row) -> TaskRun:
    body = json.loads(row["body"])
    return TaskRun(**{**body, "state": State(**body["state"])})
