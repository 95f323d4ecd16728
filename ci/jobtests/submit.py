"""One-time runs of deployed jobs: the same tasks, code and clusters, with parameters of the test's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ci.errors import Trouble
from ci.jobs.find import find_job
from ci.jobtests.spec import JobTest
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_PARAMETER = re.compile(r"\{\{\s*job\.parameters\.([\w.-]+)\s*\}\}")
_SUBMIT = "/api/2.2/jobs/runs/submit"
_KEPT = ("git_source", "run_as", "health", "environments")


def submit(client: WorkspaceClient, settings: Settings, test: JobTest, job: str, commit: str | None) -> int:
    """Starts a job's tasks as a one-time run; returns the run's id. `commit` replaces the branch that the job runs."""
    found = find_job(client, settings.job_name(job))
    deployed = client.jobs.get(found.job_id or 0).settings
    if deployed is None:
        raise Trouble(f"the workspace does not tell what {settings.job_name(job)} runs")
    answer: Any = client.api_client.do("POST", _SUBMIT, body=one_time(deployed.as_dict(), test, job, commit))
    return int(answer["run_id"])


def one_time(deployed: Mapping[str, Any], test: JobTest, job: str, commit: str | None) -> dict[str, Any]:
    """The request's body. One-time runs know neither job clusters nor job parameters: both go into the tasks."""
    given = {name: _text(value) for name, value in test.parameters.items()}
    defaults = {each["name"]: str(each.get("default", "")) for each in deployed.get("parameters", [])}
    values = {name: given.get(name, default) for name, default in defaults.items()}
    clusters = {each["job_cluster_key"]: each["new_cluster"] for each in deployed.get("job_clusters", [])}
    body = {
        "run_name": f"job test {test.name}: {job}",
        "timeout_seconds": test.timeout_minutes * 60,
        **{name: deployed[name] for name in _KEPT if name in deployed},
        "tasks": [_task(task, values, clusters) for task in deployed.get("tasks", [])],
    }
    if commit and "git_source" in body:
        source = {key: value for key, value in body["git_source"].items() if key in ("git_url", "git_provider")}
        body["git_source"] = {**source, "git_commit": commit}
    return body


def _task(task: Mapping[str, Any], values: Mapping[str, str], clusters: Mapping[str, Any]) -> dict[str, Any]:
    from databricks.sdk.service.jobs import SubmitTask

    allowed = {field.name for field in fields(SubmitTask)}
    kept = {name: value for name, value in task.items() if name in allowed}
    if cluster := clusters.get(task.get("job_cluster_key", "")):
        kept["new_cluster"] = cluster
    filled: dict[str, Any] = _filled(kept, values)
    return filled


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """References to job parameters replaced by their values, wherever they stand."""
    if isinstance(value, str):
        return _PARAMETER.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {name: _filled(part, values) for name, part in value.items()}
    return [_filled(part, values) for part in value] if isinstance(value, list) else value


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
