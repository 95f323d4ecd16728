"""Quality monitors (Unity Catalog's `tables/{name}/monitor`): one for a table, refreshed by a job and by schedule.

Unlike Databricks, the local workspace computes nothing itself (`job.py` says what runs), makes no dashboard of its own
(`dashboard_id` stays empty, also without skip_builtin_dashboard) and does not refresh a monitor on its creation.
A monitor belongs to its table: it keeps with a renamed one and is gone once the table was dropped. The metric tables
are the job's to make, and stay when the monitor goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.workspace.catalog.kinds import Kind
from infra.workspace.catalog.service import CatalogService
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import ApiError, BadRequest, InvalidState, NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.jobs.notifications import Message
from infra.workspace.jobs.schedules import ScheduleLoop
from infra.workspace.jobs.service import JobsService
from infra.workspace.monitors import settings as monitor_settings
from infra.workspace.monitors.records import MonitorRecords, Refresh
from infra.workspace.monitors.refreshes import RefreshQueue
from infra.workspace.store.database import Store

Body = Mapping[str, Any]
Monitor = dict[str, Any]

_KIND = Kind("quality_monitor", "Data Monitor", "quality_monitors", None, "DATA_MONITOR")


class MonitorsService:
    """The quality monitors of one workspace; `start` begins schedules and goes on with interrupted refreshes."""

    def __init__(
        self, store: Store, clock: Clock, identity: IdentityService, catalog: CatalogService, jobs: JobsService
    ) -> None:
        self._clock = clock
        self._identity = identity
        self._catalog = catalog
        self._jobs = jobs
        self._records = MonitorRecords(store)
        self._queue = RefreshQueue(self._records, clock, jobs, self)
        self._schedules: ScheduleLoop[str] = ScheduleLoop(clock, self._scheduled, self._fire)

    def start(self) -> None:
        self._queue.start()
        self._schedules.start()

    def stop(self) -> None:
        self._schedules.stop()
        self._queue.stop()

    def create_monitor(self, principal: Principal, table_name: str, body: Body) -> dict[str, Any]:
        """Needs MANAGE on the table (or its owner) and CREATE TABLE in the output schema."""
        self._catalog.require(principal, "table", table_name, "MANAGE")
        table = self._catalog.tables.get_table(principal, table_name)
        if table["data_source_format"] != "DELTA":
            raise BadRequest(f"Table '{table['full_name']}' is no Delta table: only those can be monitored.")
        if self._records.monitors.get(table["table_id"]) is not None:
            raise _KIND.exists(table["full_name"])
        settings = monitor_settings.new_settings(body)
        self._check_surroundings(principal, table, settings)
        monitor: Monitor = {
            "table_id": table["table_id"],
            "owner": principal.name,
            "monitor_version": 1,
            "status": "MONITOR_STATUS_ACTIVE",
            "settings": settings,
        }
        self._records.monitors.put(table["table_id"], monitor)
        self._schedules.changed()
        return self._answer(monitor, table["full_name"])

    def get_monitor(self, principal: Principal, table_name: str) -> dict[str, Any]:
        return self._answer(*self._of_table(principal, table_name, "SELECT"))

    def update_monitor(self, principal: Principal, table_name: str, body: Body) -> dict[str, Any]:
        """Only the monitor's creator may change it, as on Databricks; each change is a new version.

        What failed before is no longer told: it was the former version's.
        """
        monitor, name = self._of_table(principal, table_name, "MANAGE")
        if principal.name != monitor["owner"]:
            raise PermissionDenied(f"Only {monitor['owner']}, who created the monitor of '{name}', may update it.")
        settings = monitor_settings.changed_settings(monitor["settings"], body)
        self._check_surroundings(principal, self._catalog.tables.get_table(principal, name), settings)
        changed = self._records.amend(
            monitor["table_id"],
            settings=settings,
            monitor_version=monitor["monitor_version"] + 1,
            status="MONITOR_STATUS_ACTIVE",
            failure=None,
            dashboard_id=body.get("dashboard_id") or monitor.get("dashboard_id"),
        )
        self._schedules.changed()
        return self._answer(changed or monitor, name)

    def delete_monitor(self, principal: Principal, table_name: str) -> dict[str, Any]:
        """Ends the monitor with its active refreshes; metric tables stay."""
        monitor, _ = self._of_table(principal, table_name, "MANAGE")
        for refresh in self._records.active(monitor["table_id"]):
            self._queue.cancel(refresh)
        self._records.remove(monitor["table_id"])
        self._schedules.changed()
        return {}

    def run_refresh(self, principal: Principal, table_name: str) -> dict[str, Any]:
        """Queues a refresh: while another one of the monitor is at work, it waits its turn as PENDING."""
        monitor, _ = self._of_table(principal, table_name, "MANAGE")
        return self._queue.add(monitor["table_id"], "MANUAL").answer()

    def list_refreshes(self, principal: Principal, table_name: str) -> dict[str, Any]:
        """The 25 most recent ones, the latest first."""
        monitor, _ = self._of_table(principal, table_name, "SELECT")
        return {"refreshes": [refresh.answer() for refresh in self._records.refreshes(monitor["table_id"])]}

    def get_refresh(self, principal: Principal, table_name: str, refresh_id: int) -> dict[str, Any]:
        monitor, name = self._of_table(principal, table_name, "SELECT")
        return self._refresh(monitor, name, refresh_id).answer()

    def cancel_refresh(self, principal: Principal, table_name: str, refresh_id: int) -> dict[str, Any]:
        monitor, name = self._of_table(principal, table_name, "MANAGE")
        refresh = self._refresh(monitor, name, refresh_id)
        if refresh.ended:
            raise InvalidState(f"Refresh {refresh_id} of table '{name}' has ended already: it is {refresh.state}.")
        self._queue.cancel(refresh)
        return {}

    def list_monitors(self, principal: Principal) -> dict[str, Any]:
        """For the workspace's pages: the `monitors` of all tables that the principal may read, by name.

        What REST answers, with `owner`, `latest_refresh` (None before the first) and `next_refresh` (datetime or None).
        """
        found = []
        for monitor in self._records.monitors.all():
            name = self._catalog.table_name(monitor["table_id"])
            if name is None or "SELECT" not in self._catalog.privileges_on(principal, "table", name):
                continue
            latest = self._records.refreshes(monitor["table_id"])[:1]
            found.append(
                {
                    **self._answer(monitor, name),
                    "owner": monitor["owner"],
                    "latest_refresh": latest[0].answer() if latest else None,
                    "next_refresh": self._schedules.next_fire(monitor["table_id"]),
                }
            )
        return {"monitors": sorted(found, key=lambda each: str(each["table_name"]))}

    # for the queue of refreshes

    def owner_of(self, table_id: str) -> Principal:
        """As whom the monitor of a table is refreshed; NotFound where there is none any more."""
        monitor = self._records.monitors.get(table_id)
        if monitor is None:
            raise NotFound("The quality monitor was deleted.")
        return self._identity.find(monitor["owner"])

    def prepare(self, table_id: str) -> str:
        """The table's name, once it is sure that its monitor still fits it; one that does not is in error from here on.

        Raises ApiError with what is missing.
        """
        owner, name = self.owner_of(table_id), self._catalog.table_name(table_id)
        monitor = self._records.monitors.get(table_id)
        if monitor is None or name is None:
            raise NotFound("The monitored table was dropped.")
        try:
            self._check_surroundings(owner, self._catalog.tables.get_table(owner, name), monitor["settings"])
        except ApiError:
            self._records.amend(table_id, status="MONITOR_STATUS_ERROR")
            raise
        return name

    def ended(self, refresh: Refresh) -> None:
        """Notes a failure on the monitor and mails it; a success clears it."""
        name = self._catalog.table_name(refresh.table_id)
        if name is None or refresh.state == "CANCELED":
            return
        failed = refresh.state == "FAILED"
        changes = {"failure": refresh.message} if failed else {"failure": None, "status": "MONITOR_STATUS_ACTIVE"}
        monitor = self._records.amend(refresh.table_id, **changes)
        if monitor is not None and failed:
            subject = {
                "title": f"Refresh of the quality monitor of table {name} failed",
                "message": refresh.message,
                "table_name": name,
                "refresh_id": refresh.id,
                "run_id": refresh.run_id,
                "result": refresh.state,
            }
            to = monitor["settings"].get("notifications", {}).get("on_failure", {}).get("email_addresses", [])
            self._jobs.notifications.send(Message("monitor_refresh_failure", subject), to)

    def _of_table(self, principal: Principal, table_name: str, privilege: str) -> tuple[Monitor, str]:
        self._catalog.require(principal, "table", table_name, privilege)
        table = self._catalog.tables.get_table(principal, table_name)
        monitor = self._records.monitors.get(table["table_id"])
        if monitor is None:
            raise _KIND.missing(table["full_name"])
        return monitor, table["full_name"]

    def _refresh(self, monitor: Monitor, name: str, refresh_id: int) -> Refresh:
        found = self._records.refresh(monitor["table_id"], refresh_id)
        if found is None:
            raise NotFound(f"Table '{name}' has no refresh {refresh_id}.")
        return found

    def _check_surroundings(self, principal: Principal, table: Body, settings: Body) -> None:
        self._catalog.require(principal, "schema", settings["output_schema_name"], "CREATE_TABLE")
        if settings.get("baseline_table_name"):
            self._catalog.require(principal, "table", settings["baseline_table_name"], "SELECT")
        monitor_settings.check_columns(dict(settings), [column["name"] for column in table["columns"]])

    def _scheduled(self) -> dict[str, Body]:
        """Schedules by table; monitors of tables that were dropped go on this occasion."""
        found = {}
        for monitor in self._records.monitors.all():
            if self._catalog.table_name(monitor["table_id"]) is None:
                self._records.remove(monitor["table_id"])
            elif "schedule" in monitor["settings"]:
                found[monitor["table_id"]] = monitor["settings"]["schedule"]
        return found

    def _fire(self, table_id: str, moment: datetime) -> None:
        """A scheduled refresh; not where one waits already, which will see the same rows."""
        if not any(refresh.run_id is None for refresh in self._records.active(table_id)):
            self._queue.add(table_id, "SCHEDULE")

    def _answer(self, monitor: Monitor, table_name: str) -> dict[str, Any]:
        """REST's MonitorInfo."""
        settings = dict(monitor["settings"])
        if "schedule" in settings:
            settings["schedule"] = {**settings["schedule"], "pause_status": "UNPAUSED"}
        metrics = f"{settings['output_schema_name']}.{table_name.rpartition('.')[2]}"
        fields = {
            **settings,
            "table_name": table_name,
            "status": monitor["status"],
            "monitor_version": monitor["monitor_version"],
            "profile_metrics_table_name": f"{metrics}_profile_metrics",
            "drift_metrics_table_name": f"{metrics}_drift_metrics",
            "dashboard_id": monitor.get("dashboard_id"),
            "latest_monitor_failure_msg": monitor.get("failure"),
        }
        return {name: value for name, value in fields.items() if value is not None}
