"""Alerts over REST: https://docs.databricks.com/api/workspace/alertsv2."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.alerts.service import AlertsService
from infra.workspace.gateway.caller import Caller

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]


def routes(service: AlertsService) -> APIRouter:
    router = APIRouter(prefix="/api/2.0/alerts")

    @router.post("")
    def create_alert(principal: Caller, body: JsonBody) -> Json:
        return service.create_alert(principal, body)

    @router.get("")
    def list_alerts(principal: Caller, page_size: int | None = None, page_token: str | None = None) -> Json:
        return service.list_page(principal, page_size, page_token)

    @router.get("/{alert_id}")
    def get_alert(principal: Caller, alert_id: str) -> Json:
        return service.get_alert(principal, alert_id)

    @router.patch("/{alert_id}")
    def update_alert(principal: Caller, alert_id: str, body: JsonBody, update_mask: str = "") -> Json:
        return service.update_alert(principal, alert_id, body, update_mask)

    @router.delete("/{alert_id}")
    def trash_alert(principal: Caller, alert_id: str, purge: bool = False) -> Json:
        return service.trash_alert(principal, alert_id, purge)

    return router
