"""What the tasks of a run printed, and why they failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.jobs.follow import latest_attempts
from ci.jobs.states import state_of

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run, RunTask

TAIL_LINES = 25


def task_log(client: WorkspaceClient, task: RunTask) -> str:
    """A task's output, its error and its trace; the workspace keeps the last 5 MB of each log."""
    from databricks.sdk.errors import InvalidParameterValue, NotFound

    try:
        output = client.jobs.get_run_output(task.run_id or 0)
    except (NotFound, InvalidParameterValue) as error:
        return f"no output: {error}"
    parts = [output.logs or ""]
    if output.logs_truncated:
        parts.append("(the log goes on: the workspace cut it)")
    trace = output.error_trace or ""
    # A log of a Python task usually ends with the very trace that is also given apart.
    if trace.strip() and trace.strip() not in parts[0]:
        parts.append(trace)
    if output.error and output.error not in "".join(parts):
        parts.append(output.error)
    return "\n".join(part.rstrip("\n") for part in parts if part.strip())


def failed_tasks(run: Run) -> list[RunTask]:
    """The tasks that failed by themselves, in the order of the job."""
    return [task for task in latest_attempts(run) if state_of(task).failed]


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, and how many were left out."""
    every = text.splitlines()
    if len(every) <= lines:
        return text
    return "\n".join([f"… {len(every) - lines} lines before", *every[-lines:]])
