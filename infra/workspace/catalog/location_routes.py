"""REST of external locations and storage credentials."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from infra.workspace.catalog.address import PREFIX
from infra.workspace.catalog.locations import LocationsService
from infra.workspace.gateway.caller import Caller

Answer = dict[str, Any]


def location_routes(service: LocationsService) -> APIRouter:
    router = APIRouter(prefix=PREFIX)

    @router.post("/external-locations")
    def create_external_location(principal: Caller, body: Answer) -> Answer:
        return service.create_external_location(principal, body)

    @router.get("/external-locations")
    def list_external_locations(
        principal: Caller, max_results: int | None = None, page_token: str | None = None
    ) -> Answer:
        return service.list_external_locations(principal, max_results, page_token)

    @router.get("/external-locations/{name}")
    def get_external_location(principal: Caller, name: str) -> Answer:
        return service.get_external_location(principal, name)

    @router.patch("/external-locations/{name}")
    def update_external_location(principal: Caller, name: str, body: Answer) -> Answer:
        return service.update_external_location(principal, name, body)

    @router.delete("/external-locations/{name}")
    def delete_external_location(principal: Caller, name: str) -> Answer:
        service.delete_external_location(principal, name)
        return {}

    @router.post("/storage-credentials")
    def create_storage_credential(principal: Caller, body: Answer) -> Answer:
        return service.create_storage_credential(principal, body)

    @router.get("/storage-credentials")
    def list_storage_credentials(
        principal: Caller, max_results: int | None = None, page_token: str | None = None
    ) -> Answer:
        return service.list_storage_credentials(principal, max_results, page_token)

    @router.get("/storage-credentials/{name}")
    def get_storage_credential(principal: Caller, name: str) -> Answer:
        return service.get_storage_credential(principal, name)

    @router.patch("/storage-credentials/{name}")
    def update_storage_credential(principal: Caller, name: str, body: Answer) -> Answer:
        return service.update_storage_credential(principal, name, body)

    @router.delete("/storage-credentials/{name}")
    def delete_storage_credential(principal: Caller, name: str) -> Answer:
        service.delete_storage_credential(principal, name)
        return {}

    return router
