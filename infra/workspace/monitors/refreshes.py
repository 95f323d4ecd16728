"""Refreshes at work: one at a time for a monitor, the others wait their turn; each follows a job run."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import ApiError
from infra.workspace.identity.principal import Principal
from infra.workspace.jobs.records import JobRun
from infra.workspace.jobs.service import JobsService
from infra.workspace.monitors.job import job_of
from infra.workspace.monitors.records import MonitorRecords, Refresh

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_NOT_YET = ("QUEUED", "PENDING", "BLOCKED", "WAITING_FOR_RETRY")


class Monitors(Protocol):
    """What the queue asks of and tells the monitors (`service.MonitorsService`), by their tables' ids."""

    def owner_of(self, table_id: str) -> Principal: ...

    def prepare(self, table_id: str) -> str: ...

    def ended(self, refresh: Refresh) -> None: ...


class RefreshQueue:
    """Runs the refreshes of all monitors."""

    def __init__(self, records: MonitorRecords, clock: Clock, jobs: JobsService, monitors: Monitors) -> None:
        self._records = records
        self._clock = clock
        self._jobs = jobs
        self._monitors = monitors
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._stopping = False

    def start(self) -> None:
        """Goes on with what a stop or a kill has interrupted: waiting refreshes start, started ones are followed."""
        for table_id in {refresh.table_id for refresh in self._records.active()}:
            self._next(table_id)

    def stop(self) -> None:
        with self._lock:
            self._stopping = True

    def add(self, table_id: str, cause: str) -> Refresh:
        refresh = self._records.add_refresh(table_id, cause, self._clock.now_ms())
        self._next(table_id)
        return refresh

    def cancel(self, refresh: Refresh) -> None:
        """Ends a refresh; a run that was started for it is cancelled, and the refresh ends with it."""
        current = self._records.refresh(refresh.table_id, refresh.id) or refresh
        if current.run_id is None:
            self._end(current, "CANCELED", "The refresh was canceled.")
        else:
            self._jobs.runs.cancel_run(self._monitors.owner_of(current.table_id), current.run_id)

    def _next(self, table_id: str) -> None:
        """Starts the oldest refresh that waits, unless one of the monitor's is at work."""
        with self._lock:
            waiting = self._records.active(table_id)
            if self._stopping or table_id in self._busy or not waiting:
                return
            self._busy.add(table_id)
        name = f"refresh-{waiting[0].id}"
        threading.Thread(target=self._work, args=(waiting[0],), name=name, daemon=True).start()

    def _work(self, refresh: Refresh) -> None:
        try:
            self._follow(refresh)
        except ApiError as error:
            self._end(refresh, "FAILED", error.message)
        except Exception:
            _LOG.exception("refresh %s", refresh.id)
            self._end(refresh, "FAILED", "The refresh failed inside the local workspace.")
        finally:
            with self._lock:
                self._busy.discard(refresh.table_id)
            self._next(refresh.table_id)
            self._records.close()

    def _follow(self, refresh: Refresh) -> None:
        principal = self._monitors.owner_of(refresh.table_id)
        if refresh.run_id is None:
            run_id = self._begin(refresh, principal)
            begun = self._records.change(refresh, run_id=run_id)
            if begun is None:  # canceled just now
                self._jobs.runs.cancel_run(principal, run_id)
                return
            refresh = begun
        run_id = refresh.run_id or 0
        while not self._stopping:
            life = self._jobs.runs.get_run(principal, run_id)["state"]["life_cycle_state"]
            state = "PENDING" if life in _NOT_YET else "RUNNING"
            if state != refresh.state:
                refresh = self._records.change(refresh, state=state) or refresh
            run = self._jobs.runs.await_run(run_id, _LOOK_SECONDS)
            if run is not None:
                self._end(refresh, *_outcome(run))
                return

    def _begin(self, refresh: Refresh, principal: Principal) -> int:
        """Starts the run. After a kill between its start and the note of its id, the token finds the same run again."""
        body = {
            "job_id": job_of(self._jobs, principal, self._monitors.prepare(refresh.table_id)),
            "queue": {"enabled": True},
            "idempotency_token": f"quality-monitor-refresh-{refresh.id}",
        }
        return int(self._jobs.runs.run_now(principal, body)["run_id"])

    def _end(self, refresh: Refresh, state: str, message: str | None = None) -> None:
        ended = self._records.change(refresh, state=state, end_ms=self._clock.now_ms(), message=message)
        if ended is not None:
            self._monitors.ended(ended)


def _outcome(run: JobRun) -> tuple[str, str | None]:
    """State and message of a refresh whose run has ended."""
    if run.state.result == "SUCCESS":
        return "SUCCESS", None
    state = "CANCELED" if run.state.result == "CANCELED" else "FAILED"
    return state, f"Run {run.run_id} of job {run.job_id}: {run.state.message or run.state.result or run.state.life}"
