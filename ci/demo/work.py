"""Running the deployed jobs, as each environment's own service principal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.demo.steps import StepFailed, StepLog
from ci.jobs.find import find_job, start_run
from ci.jobs.follow import Lines, follow, latest_attempts
from ci.jobs.logs import failed_tasks, tail, task_log
from ci.jobs.states import state_of
from ci.target import Target
from infra.settings import Settings
from infra.workspace import launch

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

_REASON_LINES = 12
# The sample's days are simulated, all of them in one year: the demo shows the same on whatever day it runs.
_DAY = "2026-11-20"


def run_job(running: launch.Running, settings: Settings, job: str, log: StepLog) -> str:
    """Runs a job to its end, its tasks' logs into the step's log. Raises StepFailed unless it succeeded."""
    client = client_of(running, settings.values.service_principal)
    found = find_job(client, settings.job_name(job))
    run_id = start_run(client, found, {"date": _DAY})
    log.note(f"run {run_id} of {settings.job_name(job)}")
    ended = follow(client, run_id, Lines(log.note))
    _write_logs(client, ended, log)
    if not state_of(ended).succeeded:
        raise StepFailed(_why(client, ended))
    count = sum(state_of(task).succeeded for task in latest_attempts(ended))
    return f"run {run_id}: {count} {'task' if count == 1 else 'tasks'} succeeded"


def verdict(running: launch.Running, settings: Settings) -> str:
    """What became of the version that was trained last; raises StepFailed if the environment has no champion."""
    client = client_of(running, settings.values.service_principal)
    champion = _version(client, settings.model_full_name, "champion")
    if champion is None:
        raise StepFailed(f"{settings.model_full_name} has no champion after its training")
    candidate = _version(client, settings.model_full_name, "candidate")
    if candidate in (None, champion):
        return f"version {champion} is champion"
    return f"version {candidate} does not replace the champion, version {champion}"


def _version(client: WorkspaceClient, model: str, alias: str) -> int | None:
    from databricks.sdk.errors import NotFound

    try:
        return client.model_versions.get_by_alias(model, alias).version
    except NotFound:
        return None


def client_of(running: launch.Running, principal: str) -> WorkspaceClient:
    """A databricks-sdk client with a token of the service principal's."""
    return Target(running.url, launch.environment(running, principal)).client()


def _why(client: WorkspaceClient, ended: Run) -> str:
    state = state_of(ended)
    lines = [f"run {ended.run_id}: {state.word} {state.message}".rstrip()]
    for task in failed_tasks(ended):
        lines += [f"task {task.task_key}:", tail(task_log(client, task), _REASON_LINES)]
    return "\n".join(lines)


def _write_logs(client: WorkspaceClient, ended: Run, log: StepLog) -> None:
    for task in latest_attempts(ended):
        log.write(f"── {task.task_key}: {state_of(task).word}")
        log.write(task_log(client, task))
