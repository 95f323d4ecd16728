"""Running a job test: its jobs to their end, then its results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ci.errors import Trouble
from ci.jobs.follow import Lines, follow
from ci.jobs.logs import failed_tasks, tail, task_log
from ci.jobs.states import state_of
from ci.jobtests.baselines import Outcome
from ci.jobtests.compare import Value
from ci.jobtests.spec import JobTest, Result
from ci.jobtests.submit import submit
from ci.models.compare import find_training
from ci.tables import Tables, tables_of
from ci.target import Target
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run


class RunFailed(Trouble):
    """A run did not succeed; the message has the end of its log."""


def execute(
    target: Target, settings: Settings, test: JobTest, *, commit: str | None, say: Callable[[str], None]
) -> Outcome:
    """Runs the jobs one after the other and gathers the results. Raises RunFailed, or Trouble for a bad query."""
    client = target.client()
    ran = ""
    for job in test.jobs:
        run_id = submit(client, settings, test, job, commit)
        say(f"{test.name}: {job} is run {run_id}")
        ended = follow(client, run_id, Lines(lambda line, job=job: say(f"{test.name}: {job}: {line}")))  # type: ignore[misc] # mypy does not know a lambda's default
        if not state_of(ended).succeeded:
            raise RunFailed(_why(client, test, job, ended))
        ran = _commit(ended) or ran
    with tables_of(target, client) as tables:
        values: dict[str, Value] = {}
        for name, result in test.results.items():
            found = _queried(tables, settings, name, result) if result.query else _metrics(client, settings, result)
            values |= {f"{name}.{key}": value for key, value in found.items()}
    return Outcome(commit=ran, values=values)


def _queried(tables: Tables, settings: Settings, name: str, result: Result) -> dict[str, Value]:
    wanted = (result.query or "").replace("{schema}", settings.schema_full_name)
    rows = tables.query(wanted.replace("{model}", settings.model_full_name))
    if len(rows) != 1:
        raise Trouble(f"results.{name}: expected one row, found {len(rows)}; aggregate in the query")
    return {key: str(value) if isinstance(value, list) else value for key, value in rows[0].items()}


def _metrics(client: WorkspaceClient, settings: Settings, result: Result) -> dict[str, Value]:
    training = find_training(client, settings.model_full_name, result.metrics_of or "")
    missing = [name for name in result.names if name not in training.metrics]
    if missing:
        raise Trouble(
            f"{training.label} has no metric {', '.join(missing)}; it has {', '.join(sorted(training.metrics))}"
        )
    return {name: training.metrics[name] for name in result.names or sorted(training.metrics)}


def _commit(run: Run) -> str:
    snapshot = run.git_source.git_snapshot if run.git_source else None
    return (snapshot.used_commit if snapshot else None) or ""


def _why(client: WorkspaceClient, test: JobTest, job: str, ended: Run) -> str:
    lines = [
        f"{test.name}: {job} ended as {state_of(ended).word} (run {ended.run_id}) {state_of(ended).message}".rstrip()
    ]
    for task in failed_tasks(ended):
        lines += [f"task {task.task_key}:", tail(task_log(client, task))]
    return "\n".join(lines)
