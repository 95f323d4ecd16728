"""REST of volumes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from infra.workspace.catalog.address import PREFIX
from infra.workspace.catalog.volumes import VolumesService
from infra.workspace.gateway.caller import Caller

Answer = dict[str, Any]


def volume_routes(service: VolumesService) -> APIRouter:
    router = APIRouter(prefix=PREFIX)

    @router.post("/volumes")
    def create_volume(principal: Caller, body: Answer) -> Answer:
        return service.create_volume(principal, body)

    @router.get("/volumes")
    def list_volumes(
        principal: Caller,
        catalog_name: str,
        schema_name: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Answer:
        return service.list_volumes(principal, catalog_name, schema_name, max_results, page_token)

    @router.get("/volumes/{full_name}")
    def get_volume(principal: Caller, full_name: str) -> Answer:
        return service.get_volume(principal, full_name)

    @router.patch("/volumes/{full_name}")
    def update_volume(principal: Caller, full_name: str, body: Answer) -> Answer:
        return service.update_volume(principal, full_name, body)

    @router.delete("/volumes/{full_name}")
    def delete_volume(principal: Caller, full_name: str) -> Answer:
        service.delete_volume(principal, full_name)
        return {}

    return router
