"""What a job's settings must be, and what Databricks adds to those that were sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from infra.workspace.compute.messages import message_type, parse
from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.jobs.graph import check_graph
from infra.workspace.jobs.schedules import check_terms

Settings = dict[str, Any]

MAX_TASKS = 1000
_TASK_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MERGED = {
    "tasks": "task_key",
    "job_clusters": "job_cluster_key",
    "parameters": "name",
    "environments": "environment_key",
}
_GIT_REFERENCES = ("git_branch", "git_tag", "git_commit")


def read_settings(body: object) -> Settings:
    """The settings of a new job, checked; raises BadRequest, MalformedRequest or NotSupported."""
    settings = with_defaults(parse("jobs.JobSettings", body))
    check_settings(settings)
    return settings


def with_defaults(settings: Settings) -> Settings:
    """What GET shows beyond what was sent."""
    filled: Settings = {
        "name": "Untitled",
        "email_notifications": {},
        "webhook_notifications": {},
        "timeout_seconds": 0,
        "max_concurrent_runs": 1,
        **settings,
        "format": "MULTI_TASK",
    }
    if filled.get("tasks"):
        filled["tasks"] = [task_with_defaults(task) for task in filled["tasks"]]
    for timing in ("schedule", "trigger", "continuous"):
        if timing in filled:
            filled[timing] = {"pause_status": "UNPAUSED", **filled[timing]}
    return filled


def task_with_defaults(task: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_if": "ALL_SUCCESS",
        "timeout_seconds": 0,
        "email_notifications": {},
        "webhook_notifications": {},
        **task,
    }


def read_submitted(body: Mapping[str, Any]) -> Settings:
    """The settings of a one-time run."""
    tasks = [task_with_defaults(parse("jobs.SubmitTask", task)) for task in body.get("tasks") or []]
    shared = parse("jobs.JobSettings", {key: value for key, value in body.items() if key != "tasks"})
    settings = {"name": body.get("run_name") or "Untitled", "timeout_seconds": 0, **shared, "tasks": tasks}
    if not tasks:
        raise BadRequest("A one-time run needs at least one task.")
    check_settings(settings)
    return settings


def merged(settings: Settings, changes: object, removed: Sequence[str]) -> Settings:
    """`jobs/update`: top-level fields are replaced, keyed arrays merged by key, `removed` fields taken away."""
    result = dict(settings)
    for field in removed:
        name, _, key = field.partition("/")
        if key and name in _MERGED:
            result[name] = [item for item in result.get(name, []) if item[_MERGED[name]] != key]
        else:
            result.pop(name, None)
    for name, value in parse("jobs.JobSettings", changes).items():
        result[name] = _merged_by_key(result.get(name, []), value, _MERGED[name]) if name in _MERGED else value
    result = with_defaults(result)
    check_settings(result)
    return result


def _merged_by_key(old: list[dict[str, Any]], new: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    by_key = {item[key]: item for item in old}
    by_key.update({item[key]: item for item in new})
    return list(by_key.values())


def check_settings(settings: Settings) -> None:
    """Raises for what Databricks would refuse, and NotSupported for triggers that the local workspace lacks."""
    if not str(settings["name"]).strip():
        raise BadRequest("Job name must not be empty.")
    _check_tasks(settings)
    _check_git_source(settings)
    _check_timing(settings)
    _at_least(settings, "max_concurrent_runs", 0, "job")
    _at_least(settings, "timeout_seconds", 0, "job")
    _unique([parameter.get("name", "") for parameter in settings.get("parameters", [])], "job parameter")
    if len(settings.get("tags", {})) > 25:
        raise BadRequest("A job may have at most 25 tags.")
    for rule in settings.get("health", {}).get("rules", []):
        if rule.get("metric") != "RUN_DURATION_SECONDS":
            raise NotSupported(f"the local workspace does not have the job health metric {rule.get('metric')}")
        if rule.get("op") != "GREATER_THAN":
            raise BadRequest("health.rules: op must be GREATER_THAN")


def _check_tasks(settings: Settings) -> None:
    tasks = settings.get("tasks", [])
    if len(tasks) > MAX_TASKS:
        raise BadRequest(f"A job may have at most {MAX_TASKS} tasks, not {len(tasks)}.")
    clusters = [str(cluster.get("job_cluster_key", "")) for cluster in settings.get("job_clusters", [])]
    _unique(clusters, "job cluster key")
    environments = [str(item.get("environment_key", "")) for item in settings.get("environments", [])]
    for task in tasks:
        _check_task(task, clusters, environments, "git_source" in settings)
    check_graph(tasks)


def _check_task(task: Mapping[str, Any], clusters: list[str], environments: list[str], has_git: bool) -> None:
    key = str(task.get("task_key", ""))
    if not _TASK_KEY.fullmatch(key):
        raise BadRequest(f"Task key {key!r} may hold letters, digits, '-' and '_' only (1 to 100 of them).")
    known = [each.name for each in fields(message_type("jobs.Task"))]
    kinds = [name for name in known if name.endswith("_task") and name in task]
    if len(kinds) != 1:
        found = ", ".join(kinds) or "none"
        raise BadRequest(f"Task '{key}' must have exactly one task type such as spark_python_task; found: {found}.")
    computes = [name for name in ("job_cluster_key", "new_cluster", "existing_cluster_id") if task.get(name)]
    if len(computes) > 1:
        raise BadRequest(f"Task '{key}' names more than one cluster: {', '.join(computes)}.")
    if task.get("job_cluster_key") and task["job_cluster_key"] not in clusters:
        raise BadRequest(f"Task '{key}' refers to job cluster '{task['job_cluster_key']}', which is not defined.")
    if task.get("environment_key") and task["environment_key"] not in environments:
        raise BadRequest(f"Task '{key}' refers to environment '{task['environment_key']}', which is not defined.")
    _at_least(task, "timeout_seconds", 0, f"task '{key}'")
    _at_least(task, "max_retries", -1, f"task '{key}'")
    _at_least(task, "min_retry_interval_millis", 0, f"task '{key}'")
    python = task.get("spark_python_task")
    if python is not None:
        if not python.get("python_file"):
            raise BadRequest(f"Task '{key}': spark_python_task needs python_file.")
        if python.get("source") == "GIT" and not has_git:
            raise BadRequest(f"Task '{key}' has source GIT, but the job has no git_source.")
    nested = task.get("for_each_task")
    if nested is not None:
        if "for_each_task" in nested.get("task", {}):
            raise BadRequest(f"Task '{key}': a for_each_task cannot hold another one.")
        _check_task(nested.get("task", {}), clusters, environments, has_git)


def _check_git_source(settings: Settings) -> None:
    source = settings.get("git_source")
    if source is None:
        return
    for field in ("git_url", "git_provider"):
        if not source.get(field):
            raise BadRequest(f"git_source needs {field}.")
    named = [field for field in _GIT_REFERENCES if source.get(field)]
    if len(named) != 1:
        raise BadRequest(f"git_source needs exactly one of {', '.join(_GIT_REFERENCES)}.")


def _check_timing(settings: Settings) -> None:
    for name in ("continuous", "trigger"):
        if name in settings:
            kinds = [kind for kind in settings[name] if kind != "pause_status"] if name == "trigger" else []
            raise NotSupported(f"the local workspace does not have jobs with {'.'.join([name, *kinds[:1]])}")
    schedule = settings.get("schedule")
    if schedule is None:
        return
    check_terms(schedule.get("quartz_cron_expression"), schedule.get("timezone_id"))


def _at_least(holder: Mapping[str, Any], field: str, low: int, where: str) -> None:
    if field in holder and holder[field] < low:
        raise BadRequest(f"{field} of {where} must be at least {low}, not {holder[field]}.")


def _unique(names: Sequence[str], what: str) -> None:
    for name in names:
        if not name:
            raise BadRequest(f"A {what} must not be empty.")
        if names.count(name) > 1:
            raise BadRequest(f"The {what} '{name}' is used more than once.")
