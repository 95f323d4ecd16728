"""What the home page tells beside jobs and runs: reports, dashboards, marketplace, states of monitors and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.workspace.alerts.service import AlertsService
from infra.workspace.dashboards.shown import Shown
from infra.workspace.dashboards.viewing import Viewing
from infra.workspace.files.service import FilesService
from infra.workspace.identity.principal import Principal
from infra.workspace.monitors.service import MonitorsService
from infra.workspace.pages.marketplace import marketplaces
from infra.workspace.pages.reports import Report, reports


@dataclass(frozen=True)
class Watched:
    """One monitored table; `refreshed_at` is when its last refresh ended, in milliseconds since the epoch."""

    table: str
    status: str
    refresh: str
    refreshed_at: int
    next_refresh: str
    message: str


@dataclass(frozen=True)
class Alert:
    """One alert with the state of its last evaluation (empty before the first one)."""

    name: str
    state: str
    evaluated: str
    next_evaluation: str
    message: str


class Overview:
    """Reads the rooms in the caller's name: nobody is shown what it may not read."""

    def __init__(self, files: FilesService, viewing: Viewing, monitors: MonitorsService, alerts: AlertsService) -> None:
        self._files = files
        self._viewing = viewing
        self._monitors = monitors
        self._alerts = alerts

    def reports(self, principal: Principal) -> list[Report]:
        return reports(self._files, principal)

    def marketplaces(self, principal: Principal) -> list[str]:
        return marketplaces(self._files, principal)

    def dashboards(self, principal: Principal) -> list[Shown]:
        return self._viewing.listed(principal)

    def monitors(self, principal: Principal) -> list[Watched]:
        return [_watched(each) for each in self._monitors.list_monitors(principal)["monitors"]]

    def alerts(self, principal: Principal) -> list[Alert]:
        """Those in the trash left out; what has triggered comes first."""
        listed = self._alerts.list_alerts(principal)["alerts"]
        found = [_alert(each) for each in listed if each["lifecycle_state"] == "ACTIVE"]
        return sorted(found, key=lambda alert: (alert.state != "TRIGGERED", alert.name))


def _watched(monitor: Mapping[str, Any]) -> Watched:
    refresh = monitor["latest_refresh"] or {}
    return Watched(
        str(monitor["table_name"]),
        str(monitor["status"]).removeprefix("MONITOR_STATUS_"),
        str(refresh.get("state") or ""),
        int(refresh.get("end_time_ms") or 0),
        _moment(monitor["next_refresh"]),
        str(refresh.get("message") or ""),
    )


def _alert(alert: Mapping[str, Any]) -> Alert:
    evaluation = alert["evaluation"]
    return Alert(
        str(alert["display_name"]),
        str(evaluation.get("state") or ""),
        str(evaluation.get("last_evaluated_at") or ""),
        _moment(alert["next_evaluation"]),
        str(alert["message"] or ""),
    )


def _moment(when: datetime | None) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S") if when else ""
