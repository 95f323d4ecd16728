"""The room's REST: Databricks' Unity Catalog API 2.1."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from infra.workspace.catalog.address import PREFIX
from infra.workspace.catalog.container_routes import container_routes
from infra.workspace.catalog.location_routes import location_routes
from infra.workspace.catalog.metastore_routes import metastore_routes
from infra.workspace.catalog.model_routes import model_routes
from infra.workspace.catalog.service import CatalogService
from infra.workspace.catalog.table_routes import table_routes
from infra.workspace.catalog.volume_routes import volume_routes
from infra.workspace.gateway.errors import NotSupported


def routes(service: CatalogService) -> APIRouter:
    """All of the room's routes; what remains of the API answers 501 by name."""
    router = APIRouter()
    for part in (
        metastore_routes(service.metastore, service.permissions),
        container_routes(service.containers),
        table_routes(service.tables, service.constraints),
        volume_routes(service.volumes),
        model_routes(service.models),
        location_routes(service.locations),
    ):
        router.routes.extend(part.routes)
    router.routes.extend(_unsupported().routes)
    return router


def _unsupported() -> APIRouter:
    router = APIRouter()
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    @router.api_route("/api/2.0/unity-catalog/{rest:path}", methods=methods)
    @router.api_route("/api/2.0/online-tables{rest:path}", methods=methods)
    @router.api_route("/api/2.0/lineage-tracking/{rest:path}", methods=methods)
    @router.api_route("/api/2.1/quality-monitoring/{rest:path}", methods=methods)
    @router.api_route(PREFIX + "/{rest:path}", methods=methods)
    def unsupported(request: Request, rest: str) -> dict[str, Any]:
        raise NotSupported(f"the local workspace does not have {request.method} {request.url.path}")

    return router
