"""The deployed jobs, run to their ends as the environment's service principal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ci.jobs.find import find_job, start_run
from ci.jobs.follow import Lines, latest_attempts
from ci.jobs.logs import failed_tasks, task_log
from ci.jobs.states import seconds_of, state_of
from ci.rehearsal.model import JobRun, Problem, Side, TaskRun
from ci.rehearsal.stacks import JobToRun
from ci.rehearsal.steps import tail

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

_WAIT_SECONDS = 0.2


def parameters_of(job: JobToRun, day: str, trials: int | None) -> dict[str, str]:
    """What a rehearsal sets of the job's parameters: the day and, if asked for, the trials; the rest stay its own.

    A training that would be skipped, because the base has just had the same data and code, is run all the same.
    """
    wanted = {"date": day, "when_unchanged": "train"} | ({"trials": str(trials)} if trials is not None else {})
    return {name: value for name, value in wanted.items() if name in job.parameters}


def run_job(client: WorkspaceClient, job: JobToRun, parameters: Mapping[str, str], say: Callable[[str], None]) -> Run:
    """Starts the job and waits for its end; each change of a task goes into the log, and in the end all logs."""
    run_id = start_run(client, find_job(client, job.name), parameters)
    changed = Lines(say)
    while True:
        run = client.jobs.get_run(run_id)
        changed(run)
        if state_of(run).over:
            return run
        time.sleep(_WAIT_SECONDS)


def result_of(run: Run) -> JobRun:
    """The run in the report's words."""
    attempts = Counter(task.task_key for task in run.tasks or [])
    now = int(time.time() * 1000)
    snapshot = run.git_source.git_snapshot if run.git_source else None
    tasks = [
        TaskRun(
            key=task.task_key,
            state=state_of(task).word,
            seconds=_rounded(seconds_of(task, now)),
            attempts=attempts[task.task_key],
        )
        for task in sorted(latest_attempts(run), key=lambda task: task.start_time or now)
    ]
    return JobRun(
        run_id=run.run_id or 0,
        state=state_of(run).word,
        seconds=_rounded(seconds_of(run, now)),
        commit=snapshot.used_commit if snapshot else None,
        tasks=tuple(tasks),
    )


def problem_of(client: WorkspaceClient, run: Run, side: Side, job: JobToRun) -> Problem | None:
    """Why the run did not do all that it should; None if it did."""
    state = state_of(run)
    if state.succeeded:
        return None
    failed = failed_tasks(run)
    keys = ", ".join(task.task_key for task in failed)
    reason = f"{state.word} in {keys}" if keys else f"{state.word} {state.message}".strip()
    logs = [f"── {task.task_key}\n{tail(task_log(client, task))}" for task in failed]
    return Problem(side=side, step=f"run {job.name}", reason=reason, log="\n".join(logs))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
