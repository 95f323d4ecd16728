"""Quality monitors over REST: https://docs.databricks.com/api/workspace/qualitymonitors."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.catalog.address import PREFIX
from infra.workspace.gateway.caller import Caller
from infra.workspace.monitors.service import MonitorsService

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]


def routes(service: MonitorsService) -> APIRouter:
    router = APIRouter(prefix=f"{PREFIX}/tables/{{table_name}}/monitor")

    @router.post("")
    def create_monitor(principal: Caller, table_name: str, body: JsonBody) -> Json:
        return service.create_monitor(principal, table_name, body)

    @router.get("")
    def get_monitor(principal: Caller, table_name: str) -> Json:
        return service.get_monitor(principal, table_name)

    @router.put("")
    def update_monitor(principal: Caller, table_name: str, body: JsonBody) -> Json:
        return service.update_monitor(principal, table_name, body)

    @router.delete("")
    def delete_monitor(principal: Caller, table_name: str) -> Json:
        return service.delete_monitor(principal, table_name)

    @router.post("/refreshes")
    def run_refresh(principal: Caller, table_name: str) -> Json:
        return service.run_refresh(principal, table_name)

    @router.get("/refreshes")
    def list_refreshes(principal: Caller, table_name: str) -> Json:
        return service.list_refreshes(principal, table_name)

    @router.get("/refreshes/{refresh_id}")
    def get_refresh(principal: Caller, table_name: str, refresh_id: int) -> Json:
        return service.get_refresh(principal, table_name, refresh_id)

    @router.post("/refreshes/{refresh_id}/cancel")
    def cancel_refresh(principal: Caller, table_name: str, refresh_id: int) -> Json:
        return service.cancel_refresh(principal, table_name, refresh_id)

    return router
