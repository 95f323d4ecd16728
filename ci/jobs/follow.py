"""Watching a run until it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.live import Live
from rich.table import Table
from rich.text import Text

from ci import console
from ci.jobs.states import seconds_of, state_of

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run, RunTask

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 3.0


def follow(client: WorkspaceClient, run_id: int, changed: Callable[[Run], None]) -> Run:
    """Asks for the run until it is over, ever less often, and reports each answer; returns the last."""
    wait = _FIRST_WAIT
    while True:
        run = client.jobs.get_run(run_id)
        changed(run)
        if state_of(run).over:
            return run
        time.sleep(wait)
        wait = min(wait * 1.2, _LONGEST_WAIT)


def follow_on_screen(client: WorkspaceClient, run_id: int) -> Run:
    """Follows with a live table on a terminal, and with a line for each change elsewhere."""
    if not console.out.is_terminal:
        return follow(client, run_id, Lines(lambda line: console.out.print(line)))
    with Live(console=console.out, auto_refresh=False) as live:
        return follow(client, run_id, lambda run: live.update(tasks_table(run), refresh=True))


class Lines:
    """Says each change of a run's tasks once, as a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: dict[str, str] = {}

    def __call__(self, run: Run) -> None:
        for task in latest_attempts(run):
            word = state_of(task).word
            if self._said.get(task.task_key) != word:
                self._said[task.task_key] = word
                self._say(f"{task.task_key}: {word}{_took(task)}")
        state = state_of(run)
        if state.over:
            self._say(f"run {run.run_id}: {state.word}{_took(run)}")


def latest_attempts(run: Run) -> list[RunTask]:
    """One entry a task: repairs and retries add further attempts, and the last one counts."""
    latest: dict[str, RunTask] = {}
    for task in run.tasks or []:
        known = latest.get(task.task_key)
        if known is None or (task.attempt_number or 0) >= (known.attempt_number or 0):
            latest[task.task_key] = task
    return list(latest.values())


def tasks_table(run: Run) -> Table:
    """The run's tasks with state and time."""
    table = Table(title=f"{run.run_name or 'run'} · {run.run_id}", title_justify="left", box=None, padding=(0, 2))
    for heading in ("task", "state", "time", ""):
        table.add_column(heading, justify="right" if heading == "time" else "left")
    now = _now_ms()
    for task in latest_attempts(run):
        state, seconds = state_of(task), seconds_of(task, now)
        attempt = f"attempt {task.attempt_number + 1}" if task.attempt_number else ""
        table.add_row(
            task.task_key,
            Text(state.word, style=state.style),
            "" if seconds is None else console.duration(seconds),
            attempt,
        )
    return table


def _took(run: Run | RunTask) -> str:
    seconds = seconds_of(run, _now_ms())
    return f" after {console.duration(seconds)}" if seconds is not None and state_of(run).over else ""


def _now_ms() -> int:
    return int(time.time() * 1000)
