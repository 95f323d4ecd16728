"""Step hrob.refresh: have the workspace's quality monitor of the inference log compute its tables, and wait for it."""

import time
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.projects.hrob.monitored import LOG

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import MonitorRefreshInfo

    from ml_code.context import Context

LONGEST_WAIT = 2 * 3600.0
"""Seconds that a refresh may take."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


def run(context: "Context", **_: Any) -> "MonitorRefreshInfo":
    """Start a refresh and wait until it succeeded. Raises StepError when there is no monitor or the refresh did not."""
    from databricks.sdk.errors import NotFound

    table = context.table(LOG)
    monitors = context.workspace.quality_monitors
    try:
        started = monitors.run_refresh(table)
    except NotFound as error:
        raise StepError(
            f"{table} has no quality monitor ({error}): deploy the project's stack of this environment with "
            "monitoring.engine: quality_monitor in its settings, which makes one"
        ) from None
    context.say(f"refresh {started.refresh_id} of the quality monitor of {table} started")
    return _wait(context, table, started)


def _wait(context: "Context", table: str, refresh: "MonitorRefreshInfo") -> "MonitorRefreshInfo":
    from databricks.sdk.service.catalog import MonitorRefreshInfoState as State

    deadline = time.monotonic() + LONGEST_WAIT
    pause = _FIRST_PAUSE
    told = None
    while refresh.state in (State.PENDING, State.RUNNING, State.UNKNOWN):
        if refresh.state is not told:
            context.say(f"refresh {refresh.refresh_id} is {refresh.state.value.lower()}")
            told = refresh.state
        if time.monotonic() > deadline:
            raise StepError(
                f"refresh {refresh.refresh_id} of the quality monitor of {table} is still {refresh.state.value} after "
                f"{LONGEST_WAIT / 3600:g} hours: look at its runs on the table's page, cancel it and run this job again"
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        refresh = context.workspace.quality_monitors.get_refresh(table, refresh.refresh_id)
    if refresh.state is not State.SUCCESS:
        reason = refresh.message or "it gives no reason"
        raise StepError(
            f"refresh {refresh.refresh_id} of the quality monitor of {table} ended {refresh.state.value}: {reason}"
        )
    context.say(f"refresh {refresh.refresh_id} succeeded")
    return refresh
