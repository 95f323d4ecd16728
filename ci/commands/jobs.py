"""`branchline jobs`: the jobs of a workspace and their runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from ci import console
from ci.errors import Trouble
from ci.jobs.find import find_job, job_name, parameters, start_run
from ci.jobs.follow import follow_on_screen, latest_attempts
from ci.jobs.logs import failed_tasks, tail, task_log
from ci.jobs.states import state_of
from ci.options import As
from ci.target import find_target

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import BaseJob, Run

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, run, follow, repair and cancel jobs.")

RunId = Annotated[int, typer.Argument(help="Id of the run.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Watch it to its end; its result is the exit code.")]


@app.command("list")
def list_(principal: As = None) -> None:
    """List the jobs that you may see, with their last run."""
    client = find_target(principal=principal).client()
    table = Table(box=None, padding=(0, 2))
    for heading in ("id", "job", "schedule", "last run", "state"):
        table.add_column(heading, overflow="fold")
    for job in sorted(client.jobs.list(), key=job_name):
        last = next(iter(client.jobs.list_runs(job_id=job.job_id, limit=1)), None)
        state = state_of(last) if last else None
        table.add_row(
            str(job.job_id),
            Text(job_name(job)),
            _schedule(job),
            _moment(last.start_time) if last else "never",
            Text(f"{state.word} (run {last.run_id})", style=state.style) if state and last else "",
        )
    console.show(table)


@app.command()
def run(
    job: Annotated[str, typer.Argument(help="Name or id; the end of a name is enough if only one job ends so.")],
    param: Annotated[list[str] | None, typer.Option(help="Job parameter as key=value; may be repeated.")] = None,
    follow: Follow = False,
    principal: As = None,
) -> None:
    """Start a job, as it is deployed: it runs commits of its branch, never uncommitted code."""
    client = find_target(principal=principal).client()
    found = find_job(client, job)
    given = parameters(param or [])
    run_id = start_run(client, found, given)
    console.out.print(f"run {run_id} of {job_name(found)} started")
    _follow_or_tell(client, run_id, follow)


@app.command()
def logs(
    run: RunId,
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    principal: As = None,
) -> None:
    """Print what the tasks of a run printed."""
    client = find_target(principal=principal).client()
    tasks = latest_attempts(client.jobs.get_run(run))
    known = [each.task_key for each in tasks]
    if task is not None and task not in known:
        raise Trouble(f"run {run} has no task {task!r}; it has {', '.join(known)}")
    for each in tasks:
        if task in (None, each.task_key):
            console.err.print(f"── {each.task_key}: {state_of(each).word}")
            console.plain(task_log(client, each))


@app.command()
def repair(run: RunId, follow: Follow = False, principal: As = None) -> None:
    """Run the failed tasks of a run again, and those that were skipped for them."""
    client = find_target(principal=principal).client()
    past = client.jobs.get_run(run, include_history=True)
    if not state_of(past).over:
        raise Trouble(f"run {run} is not over yet; cancel it first: branchline jobs cancel {run}")
    if state_of(past).succeeded:
        raise Trouble(f"run {run} succeeded: nothing to repair")
    repairs = [item.id for item in past.repair_history or [] if item.id and item.type and item.type.value == "REPAIR"]
    client.jobs.repair_run(run, rerun_all_failed_tasks=True, latest_repair_id=repairs[-1] if repairs else None)
    console.out.print(f"run {run} is being repaired")
    _follow_or_tell(client, run, follow)


@app.command()
def cancel(run: RunId, principal: As = None) -> None:
    """End a run, its tasks and their processes."""
    client = find_target(principal=principal).client()
    if state_of(client.jobs.get_run(run)).over:
        raise Trouble(f"run {run} is over already")
    client.jobs.cancel_run(run)
    console.out.print(f"run {run} is being cancelled")


def _follow_or_tell(client: WorkspaceClient, run_id: int, follow: bool) -> None:
    if not follow:
        console.out.print(f"  its log:  branchline jobs logs {run_id}")
        return
    ended = follow_on_screen(client, run_id)
    if ended.run_page_url:
        console.out.print(ended.run_page_url)
    if not state_of(ended).succeeded:
        _tell_failure(client, ended)
        raise typer.Exit(1)


def _tell_failure(client: WorkspaceClient, ended: Run) -> None:
    state = state_of(ended)
    console.problem(f"run {ended.run_id}: {state.word} {state.message}".rstrip())
    for task in failed_tasks(ended):
        console.problem(f"── {task.task_key}: {state_of(task).message}")
        console.err.print(tail(task_log(client, task)))
    console.err.print(f"all of it: branchline jobs logs {ended.run_id}")


def _schedule(job: BaseJob) -> str:
    schedule = job.settings.schedule if job.settings else None
    if schedule is None:
        return ""
    paused = schedule.pause_status is not None and schedule.pause_status.value == "PAUSED"
    return f"{schedule.quartz_cron_expression} {schedule.timezone_id}{' (paused)' if paused else ''}"


def _moment(milliseconds: int | None) -> str:
    if not milliseconds:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
