"""What requests about runs ask for, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.workspace.gateway.errors import BadRequest
from infra.workspace.jobs.graph import downstream
from infra.workspace.jobs.records import JobRun, TaskRun, latest
from infra.workspace.jobs.states import State

_NOT_REPAIRED = frozenset({"SUCCESS", "EXCLUDED", "DISABLED"})
_OLD_PARAMETERS = ("jar_params", "notebook_params", "python_named_params", "spark_submit_params", "sql_params")


def chosen_tasks(tasks: list[dict[str, Any]], only: Sequence[object] | None) -> list[dict[str, Any]]:
    """The tasks that `only` names, without dependencies on others; all tasks where it names none."""
    if not only:
        return tasks
    wanted = {str(key) for key in only}
    if unknown := wanted - {str(task["task_key"]) for task in tasks}:
        raise BadRequest(f"only: the job has no task {sorted(unknown)[0]!r}.")
    return [
        {**task, "depends_on": [item for item in task.get("depends_on", []) if item["task_key"] in wanted]}
        for task in tasks
        if task["task_key"] in wanted
    ]


def repaired_keys(run: JobRun, attempts: Sequence[TaskRun], body: Mapping[str, Any]) -> set[str]:
    """The tasks that a repair runs again: those named or failed, and those that wait for one of them."""
    tasks: list[dict[str, Any]] = run.settings["tasks"]
    known = {str(task["task_key"]) for task in tasks}
    wanted = {str(key) for key in body.get("rerun_tasks") or []}
    if unknown := wanted - known:
        raise BadRequest(f"rerun_tasks: the run has no task {sorted(unknown)[0]!r}.")
    ended = latest(attempts)
    bad = {key for key in known if key not in ended or ended[key].state.result not in _NOT_REPAIRED}
    if body.get("rerun_all_failed_tasks"):
        wanted |= bad
    if not wanted:
        raise BadRequest("A repair needs rerun_tasks or rerun_all_failed_tasks with failed tasks to run again.")
    dependents = downstream(tasks, wanted)
    return dependents if body.get("rerun_dependent_tasks") else wanted | (bad & dependents)


def run_parameters(settings: Mapping[str, Any], body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Name, default and value of each job parameter; raises BadRequest for a value of none."""
    if old := [name for name in _OLD_PARAMETERS if body.get(name)]:
        raise BadRequest(f"{old[0]} has no effect on the tasks that the local workspace runs.")
    defined = [
        {"name": str(item["name"]), "default": str(item.get("default", ""))} for item in settings.get("parameters", [])
    ]
    return with_values(defined, body.get("job_parameters") or {})


def with_values(parameters: list[dict[str, str]], values: Mapping[str, Any]) -> list[dict[str, str]]:
    names = {item["name"] for item in parameters}
    for name in values:
        if name not in names:
            raise BadRequest(f"The job has no parameter {name!r}; it has: {', '.join(sorted(names)) or 'none'}.")
    return [{**item, "value": str(values[item["name"]])} if item["name"] in values else item for item in parameters]


def repair_entry(kind: str, number: int, run: JobRun, state: State, task_run_ids: list[int]) -> dict[str, Any]:
    return {
        "type": kind,
        "id": number,
        "start_time": run.start_ms,
        "end_time": run.end_ms,
        "state": state.as_state(),
        "status": state.as_status(),
        "task_run_ids": task_run_ids,
    }


def number(body: Mapping[str, Any], field: str) -> int:
    try:
        return int(body[field])
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"{field} is missing or no number.") from error
