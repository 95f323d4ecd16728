"""REST of catalogs and schemas."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from infra.workspace.catalog.address import PREFIX
from infra.workspace.catalog.containers import ContainersService
from infra.workspace.gateway.caller import Caller

Answer = dict[str, Any]


def container_routes(service: ContainersService) -> APIRouter:
    router = APIRouter(prefix=PREFIX)

    @router.post("/catalogs")
    def create_catalog(principal: Caller, body: Answer) -> Answer:
        return service.create_catalog(principal, body)

    @router.get("/catalogs")
    def list_catalogs(principal: Caller, max_results: int | None = None, page_token: str | None = None) -> Answer:
        return service.list_catalogs(principal, max_results, page_token)

    @router.get("/catalogs/{name}")
    def get_catalog(principal: Caller, name: str) -> Answer:
        return service.get_catalog(principal, name)

    @router.patch("/catalogs/{name}")
    def update_catalog(principal: Caller, name: str, body: Answer) -> Answer:
        return service.update_catalog(principal, name, body)

    @router.delete("/catalogs/{name}")
    def delete_catalog(principal: Caller, name: str, force: bool = False) -> Answer:
        service.delete_catalog(principal, name, force)
        return {}

    @router.post("/schemas")
    def create_schema(principal: Caller, body: Answer) -> Answer:
        return service.create_schema(principal, body)

    @router.get("/schemas")
    def list_schemas(
        principal: Caller, catalog_name: str, max_results: int | None = None, page_token: str | None = None
    ) -> Answer:
        return service.list_schemas(principal, catalog_name, max_results, page_token)

    @router.get("/schemas/{full_name}")
    def get_schema(principal: Caller, full_name: str) -> Answer:
        return service.get_schema(principal, full_name)

    @router.patch("/schemas/{full_name}")
    def update_schema(principal: Caller, full_name: str, body: Answer) -> Answer:
        return service.update_schema(principal, full_name, body)

    @router.delete("/schemas/{full_name}")
    def delete_schema(principal: Caller, full_name: str, force: bool = False) -> Answer:
        service.delete_schema(principal, full_name, force)
        return {}

    return router
