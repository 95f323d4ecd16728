"""The Permissions API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.gateway.caller import Caller
from infra.workspace.identity.permissions import Permissions

Given = Annotated[dict[str, Any], Body()]


def permission_routes(service: Permissions) -> APIRouter:
    """Types may have a slash (sql/warehouses), hence the path parameter."""
    router = APIRouter(prefix="/api/2.0/permissions")
    address = "/{object_type:path}/{object_id}"

    @router.get(address + "/permissionLevels")
    def get_permission_levels(principal: Caller, object_type: str, object_id: str) -> dict[str, Any]:
        return service.get_permission_levels(principal, object_type, object_id)

    @router.get(address)
    def get_permissions(principal: Caller, object_type: str, object_id: str) -> dict[str, Any]:
        return service.get_permissions(principal, object_type, object_id)

    @router.put(address)
    def set_permissions(principal: Caller, object_type: str, object_id: str, body: Given) -> dict[str, Any]:
        return service.set_permissions(principal, object_type, object_id, body)

    @router.patch(address)
    def update_permissions(principal: Caller, object_type: str, object_id: str, body: Given) -> dict[str, Any]:
        return service.update_permissions(principal, object_type, object_id, body)

    return router
