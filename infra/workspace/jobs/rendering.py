"""Runs as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.workspace.config import WorkspaceConfig
from infra.workspace.jobs.records import JobRun, TaskRun
from infra.workspace.jobs.states import State

_TASK_FIELDS_KEPT_BACK = ("health",)


class Rendering:
    def __init__(self, config: WorkspaceConfig) -> None:
        self._config = config

    def run(
        self, run: JobRun, tasks: Sequence[TaskRun], *, expand: bool, history: bool = False, resolved: bool = False
    ) -> dict[str, Any]:
        """A run of a job; with `expand`, its tasks and clusters too."""
        settings = run.settings
        shown: dict[str, Any] = {
            "job_id": run.job_id,
            "run_id": run.run_id,
            "job_run_id": run.run_id,
            "number_in_job": run.number,
            "original_attempt_run_id": run.run_id,
            "creator_user_name": run.creator,
            "run_as_user_name": run.run_as,
            "run_name": settings["name"],
            "run_type": "JOB_RUN" if run.job_id else "SUBMIT_RUN",
            "run_page_url": f"{self._config.url}/runs/{run.run_id}",
            "trigger": run.trigger,
            "format": "MULTI_TASK",
            "job_parameters": run.parameters,
            "overriding_parameters": run.overriding,
            **_times(run.state, run.start_ms, run.run_start_ms or run.start_ms, run.end_ms),
        }
        if run.trigger_run_id:
            shown["trigger_info"] = {"run_id": run.trigger_run_id}
        if run.trigger == "PERIODIC":
            shown["schedule"] = settings.get("schedule")
        if "git_source" in settings:
            shown["git_source"] = _git_source(run)
        if run.queued_ms:
            shown["queue_duration"] = run.queued_ms
        if "description" in settings:
            shown["description"] = settings["description"]
        if expand:
            shown["tasks"] = [self.task(run, task, resolved) for task in tasks if task.iteration < 0]
            shown["job_clusters"] = settings.get("job_clusters", [])
            shown["repair_history"] = run.repairs if history else []
        return shown

    def task(self, run: JobRun, task: TaskRun, resolved: bool = False) -> dict[str, Any]:
        """One attempt at one task, as a run lists it."""
        definition = {key: value for key, value in task.task.items() if key not in _TASK_FIELDS_KEPT_BACK}
        shown: dict[str, Any] = {
            **definition,
            "run_id": task.run_id,
            "run_page_url": f"{self._config.url}/runs/{run.run_id}#{task.run_id}",
            "attempt_number": task.attempt,
            **_times(task.state, task.start_ms, task.start_ms, task.end_ms),
        }
        if task.cluster_id:
            shown["cluster_instance"] = {"cluster_id": task.cluster_id}
        if "git_source" in run.settings:
            shown["git_source"] = _git_source(run)
        if "condition_task" in shown and task.outcome:
            shown["condition_task"] = {**shown["condition_task"], "outcome": task.outcome}
        if resolved and task.resolved:
            shown["resolved_values"] = task.resolved
        return shown

    def task_as_run(self, run: JobRun, task: TaskRun, iterations: Sequence[TaskRun] = ()) -> dict[str, Any]:
        """What runs/get answers for a task's own run id."""
        shown = {
            "job_id": run.job_id,
            "job_run_id": run.run_id,
            "number_in_job": task.run_id,
            "original_attempt_run_id": task.original_run_id or task.run_id,
            "creator_user_name": run.creator,
            "run_name": task.key,
            "run_type": "JOB_RUN" if run.job_id else "SUBMIT_RUN",
            "trigger": run.trigger,
            "format": "MULTI_TASK",
            **self.task(run, task, resolved=True),
            "tasks": [self.task(run, task, resolved=True)],
        }
        if iterations:
            shown["iterations"] = [self.task(run, iteration, resolved=True) for iteration in iterations]
        return shown


def _times(state: State, asked_ms: int, started_ms: int, ended_ms: int) -> dict[str, Any]:
    taken = max(0, ended_ms - started_ms) if ended_ms else 0
    return {
        "state": state.as_state(),
        "status": state.as_status(),
        "start_time": asked_ms,
        "setup_duration": 0,
        "execution_duration": taken,
        "cleanup_duration": 0,
        "run_duration": max(0, ended_ms - asked_ms) if ended_ms else 0,
        "end_time": ended_ms,
    }


def _git_source(run: JobRun) -> dict[str, Any]:
    source = dict(run.settings["git_source"])
    if run.used_commit:
        source["git_snapshot"] = {"used_commit": run.used_commit}
    return source
