"""The Lakeview API; what the local workspace has not of it is refused by name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from infra.workspace.dashboards.service import DashboardsService
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotSupported

Answer = dict[str, Any]
_PREFIX = "/api/2.0/lakeview/dashboards"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(service: DashboardsService) -> APIRouter:
    router = APIRouter()

    @router.post(_PREFIX)
    def create(
        principal: Caller, body: Answer, dataset_catalog: str | None = None, dataset_schema: str | None = None
    ) -> Answer:
        return service.create(principal, body, dataset_catalog, dataset_schema)

    @router.get(_PREFIX)
    def list(
        principal: Caller, page_size: int | None = None, page_token: str | None = None, show_trashed: bool = False
    ) -> Answer:
        return service.list(principal, page_size, page_token, show_trashed)

    @router.api_route(_PREFIX + "/migrate", methods=["POST"])
    @router.api_route(_PREFIX + "/{id}/schedules", methods=_METHODS)
    @router.api_route(_PREFIX + "/{id}/schedules/{rest:path}", methods=_METHODS)
    def unsupported(request: Request) -> Answer:
        raise NotSupported(f"the local workspace does not have {request.method} {request.url.path}")

    @router.get(_PREFIX + "/{id}")
    def get(principal: Caller, id: str) -> Answer:
        return service.get(principal, id)

    @router.patch(_PREFIX + "/{id}")
    def update(
        principal: Caller, id: str, body: Answer, dataset_catalog: str | None = None, dataset_schema: str | None = None
    ) -> Answer:
        return service.update(principal, id, body, dataset_catalog, dataset_schema)

    @router.delete(_PREFIX + "/{id}")
    def trash(principal: Caller, id: str) -> Answer:
        return service.trash(principal, id)

    @router.post(_PREFIX + "/{id}/published")
    def publish(principal: Caller, id: str, body: Annotated[Answer | None, Body()] = None) -> Answer:
        return service.publish(principal, id, body or {})

    @router.get(_PREFIX + "/{id}/published")
    def get_published(principal: Caller, id: str) -> Answer:
        return service.get_published(principal, id)

    @router.delete(_PREFIX + "/{id}/published")
    def unpublish(principal: Caller, id: str) -> Answer:
        return service.unpublish(principal, id)

    @router.post(_PREFIX + "/{id}/revert")
    def revert(principal: Caller, id: str, body: Annotated[Answer | None, Body()] = None) -> Answer:
        return service.revert(principal, id, body or {})

    return router
