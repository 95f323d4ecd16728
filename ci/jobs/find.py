"""Jobs and runs by what people call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci.errors import Trouble

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import BaseJob


def find_job(client: WorkspaceClient, name_or_id: str) -> BaseJob:
    """The job with that id, that name, or the only one whose name ends so; raises Trouble if none or several."""
    jobs = list(client.jobs.list())
    if name_or_id.isdigit():
        exact = [job for job in jobs if job.job_id == int(name_or_id)]
    else:
        exact = [job for job in jobs if job_name(job) == name_or_id]
    found = exact or [job for job in jobs if job_name(job).endswith(f"-{name_or_id}")]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{job_name(job)} ({job.job_id})" for job in found)
        raise Trouble(f"several jobs are called {name_or_id!r}: {listed}; use the id")
    names = ", ".join(sorted(job_name(job) for job in jobs))
    raise Trouble(f"no job {name_or_id!r}; this workspace shows you {names or 'no jobs at all: deploy first'}")


def job_name(job: BaseJob) -> str:
    """The job's name, or nothing."""
    return (job.settings.name if job.settings else None) or ""


def parameters(pairs: list[str]) -> dict[str, str]:
    """`key=value` pairs as a mapping; raises Trouble for anything else."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise Trouble(f"--param {pair}: expected key=value")
        found[key] = value
    return found


def start_run(client: WorkspaceClient, job: BaseJob, given: Mapping[str, str] | None = None) -> int:
    """Starts the job and returns the id of the run."""
    answer = client.jobs.run_now(job.job_id or 0, job_parameters=dict(given) if given else None)
    return int(answer.bind()["run_id"])
