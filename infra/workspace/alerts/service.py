"""SQL alerts: who may see, change and delete them, and their schedules."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.workspace.alerts import settings as alert_settings
from infra.workspace.alerts.evaluation import Evaluator
from infra.workspace.alerts.records import Alert, AlertRecords, moment
from infra.workspace.control.clock import Clock
from infra.workspace.files.service import FilesService
from infra.workspace.gateway.errors import ApiError, BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.jobs.notifications import Notifications
from infra.workspace.jobs.paging import page_of
from infra.workspace.jobs.schedules import ScheduleLoop
from infra.workspace.sql import warehouses
from infra.workspace.sql.service import SqlService
from infra.workspace.store.database import Store

Body = Mapping[str, Any]

_TYPE = "alertsv2"
_LARGEST_PAGE = 100
_DEFAULT_PAGE = 20


class AlertsService:
    """The alerts of one workspace; `start` begins their schedules. Nothing but its schedule evaluates an alert."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identity: IdentityService,
        permissions: Permissions,
        files: FilesService,
        sql: SqlService,
        notifications: Notifications,
        url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._identity = identity
        self._permissions = permissions
        self._files = files
        self._sql = sql
        self._notifications = notifications
        self._records = AlertRecords(store)
        self._evaluator = Evaluator(self._records, clock, identity, sql.statements, notifications, url)
        self._schedules: ScheduleLoop[str] = ScheduleLoop(clock, self._scheduled, self._fire)
        permissions.register_type(_TYPE, lambda alert_id: self._records.get(alert_id) is not None)

    def start(self) -> None:
        self._evaluator.start()
        self._schedules.start()

    def stop(self) -> None:
        self._schedules.stop()
        self._evaluator.stop()

    def create_alert(self, principal: Principal, body: Body) -> dict[str, Any]:
        """The caller owns the alert and needs CAN USE on its warehouse."""
        settings = alert_settings.new_settings(body)
        self._check_references(principal, settings)
        if settings.get("parent_path"):
            folder = self._files.get_status(principal, settings["parent_path"])
            if folder["object_type"] != "DIRECTORY":
                raise BadRequest(f"parent_path: {settings['parent_path']} is no folder")
        run_as = self._run_as(principal, settings)
        now = self._clock.now_ms()
        alert = Alert(str(uuid.uuid4()), principal.name, run_as, settings, created_ms=now, updated_ms=now)
        with self._store.write():
            self._records.put(alert)
            self._permissions.grant_owner(_TYPE, alert.id, principal)
        self._schedules.changed()
        return self._answer(alert)

    def get_alert(self, principal: Principal, alert_id: str) -> dict[str, Any]:
        """An alert; one in the trash is told as DELETED."""
        return self._answer(self._visible(principal, alert_id, "CAN_READ"))

    def list_page(
        self, principal: Principal, page_size: int | None = None, page_token: str | None = None
    ) -> dict[str, Any]:
        """The alerts that the principal may read, by the time of their creation."""
        found, paging = page_of(self._readable(principal), page_size or _DEFAULT_PAGE, 0, page_token, _LARGEST_PAGE)
        answer: dict[str, Any] = {"alerts": [self._answer(alert) for alert in found]}
        if "next_page_token" in paging:
            answer["next_page_token"] = paging["next_page_token"]
        return answer

    def update_alert(self, principal: Principal, alert_id: str, body: Body, update_mask: str) -> dict[str, Any]:
        """Changes the masked fields; an update of run_as without a value makes the alert run as the caller."""
        alert = self._visible(principal, alert_id, "CAN_EDIT")
        if alert.trashed:
            raise NotFound(f"Alert {alert_id} is in the trash.")
        settings = alert_settings.changed_settings(alert.settings, body, update_mask)
        self._check_references(principal, settings)
        run_as = self._run_as(principal, settings) if "run_as" in update_mask or update_mask == "*" else alert.run_as
        changed = self._records.amend(alert_id, settings=settings, run_as=run_as, updated_ms=self._clock.now_ms())
        self._schedules.changed()
        return self._answer(changed or alert)

    def trash_alert(self, principal: Principal, alert_id: str, purge: bool = False) -> dict[str, Any]:
        """Moves an alert to the trash, where it stays for thirty days, or with `purge` deletes it for good."""
        self._visible(principal, alert_id, "CAN_MANAGE")
        if purge:
            self._remove(alert_id)
        else:
            self._records.amend(alert_id, trashed_ms=self._clock.now_ms())
        self._schedules.changed()
        return {}

    def list_alerts(self, principal: Principal) -> dict[str, Any]:
        """For the workspace's pages: all `alerts` that the principal may read, by name.

        What REST answers, with `message` (of an ERROR), `value` and `next_evaluation` (datetime or None).
        """
        rows = [
            {
                **self._answer(alert),
                "message": alert.message,
                "value": alert.value,
                "next_evaluation": self._schedules.next_fire(alert.id),
            }
            for alert in self._readable(principal)
        ]
        return {"alerts": sorted(rows, key=lambda row: str(row["display_name"]))}

    def _readable(self, principal: Principal) -> list[Alert]:
        return [alert for alert in self._records.all() if self._permissions.level(principal, _TYPE, alert.id)]

    def _visible(self, principal: Principal, alert_id: str, level: str) -> Alert:
        for outlived in self._records.outlived(self._clock.now_ms()):
            self._remove(outlived)
        alert = self._records.get(alert_id)
        if alert is None:
            raise NotFound(f"Alert {alert_id} does not exist.")
        self._permissions.require(principal, _TYPE, alert_id, level)
        return alert

    def _remove(self, alert_id: str) -> None:
        with self._store.write():
            self._records.remove(alert_id)
            self._permissions.forget(_TYPE, alert_id)

    def _check_references(self, principal: Principal, settings: Body) -> None:
        self._sql.warehouses.get_warehouse(principal, settings["warehouse_id"])
        self._permissions.require(principal, warehouses.OBJECT_TYPE, settings["warehouse_id"], "CAN_USE")
        subscriptions = settings["evaluation"].get("notification", {}).get("subscriptions", [])
        destinations = [each["destination_id"] for each in subscriptions if each.get("destination_id")]
        self._notifications.destinations.require_known(destinations)

    def _run_as(self, principal: Principal, settings: Body) -> str:
        """Whom the alert runs as: whom the settings name, else the caller."""
        named = settings.get("run_as", {})
        name = named.get("user_name") or named.get("service_principal_name") or settings.get("run_as_user_name")
        if not name:
            return principal.name
        try:
            target = self._identity.find(name)
        except NotFound as error:
            raise BadRequest(f"run_as: there is no principal {name!r} in this workspace.") from error
        if not self._identity.may_run_as(principal, target):
            raise PermissionDenied(f"{principal.name} may not have alerts run as {name}.")
        return target.name

    def _scheduled(self) -> dict[str, Body]:
        return {
            alert.id: {**schedule, "quartz_cron_expression": schedule["quartz_cron_schedule"]}
            for alert in self._records.all()
            if (schedule := alert.settings["schedule"]).get("pause_status") != "PAUSED"
        }

    def _fire(self, alert_id: str, moment: datetime) -> None:
        self._evaluator.request(alert_id)

    def _answer(self, alert: Alert) -> dict[str, Any]:
        """REST's AlertV2: what was sent as it was sent, for clients take a default that is spelled out for drift."""
        evaluation = {**alert.settings["evaluation"], "state": alert.state}
        if alert.evaluated_ms:
            evaluation["last_evaluated_at"] = moment(alert.evaluated_ms)
        return {
            **alert.settings,
            "evaluation": evaluation,
            "id": alert.id,
            "lifecycle_state": "DELETED" if alert.trashed else "ACTIVE",
            "owner_user_name": alert.owner if self._principal(alert.owner) else "Unavailable",
            "effective_run_as": self._named(alert.run_as),
            "create_time": moment(alert.created_ms),
            "update_time": moment(alert.updated_ms),
        }

    def _named(self, name: str) -> dict[str, str]:
        principal = self._principal(name)
        is_service = principal is not None and principal.kind == "service_principal"
        return {"service_principal_name" if is_service else "user_name": name}

    def _principal(self, name: str) -> Principal | None:
        try:
            return self._identity.find(name)
        except ApiError:
            return None
