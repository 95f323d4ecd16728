"""REST of the metastore, workspace bindings and grants."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from infra.workspace.catalog.address import PREFIX
from infra.workspace.catalog.metastore import MetastoreService
from infra.workspace.catalog.permissions import PermissionsService
from infra.workspace.gateway.caller import Caller

Answer = dict[str, Any]
Of = Annotated[str | None, Query(alias="principal")]


def metastore_routes(service: MetastoreService, permissions: PermissionsService) -> APIRouter:
    router = APIRouter(prefix=PREFIX)

    @router.get("/current-metastore-assignment")
    def current_assignment(principal: Caller) -> Answer:
        return service.current_assignment(principal)

    @router.get("/metastore_summary")
    def summary(principal: Caller) -> Answer:
        return service.summary(principal)

    @router.get("/metastores")
    def list_metastores(principal: Caller) -> Answer:
        return service.list_metastores(principal)

    @router.get("/metastores/{id}")
    def get_metastore(principal: Caller, id: str) -> Answer:
        return service.get_metastore(principal, id)

    @router.get("/bindings/{securable_type}/{name}")
    def get_bindings(principal: Caller, securable_type: str, name: str) -> Answer:
        return service.get_bindings(principal, securable_type, name)

    @router.patch("/bindings/{securable_type}/{name}")
    def update_bindings(principal: Caller, securable_type: str, name: str, body: Answer) -> Answer:
        return service.update_bindings(principal, securable_type, name, body)

    @router.get("/workspace-bindings/catalogs/{name}")
    def get_workspaces(principal: Caller, name: str) -> Answer:
        return service.get_workspaces(principal, name)

    @router.patch("/workspace-bindings/catalogs/{name}")
    def update_workspaces(principal: Caller, name: str, body: Answer) -> Answer:
        return service.update_workspaces(principal, name, body)

    @router.get("/permissions/{securable_type}/{full_name:path}")
    def get_permissions(principal: Caller, securable_type: str, full_name: str, of: Of = None) -> Answer:
        return permissions.get_permissions(principal, securable_type, full_name, of)

    @router.patch("/permissions/{securable_type}/{full_name:path}")
    def update_permissions(principal: Caller, securable_type: str, full_name: str, body: Answer) -> Answer:
        return permissions.update_permissions(principal, securable_type, full_name, body)

    @router.get("/effective-permissions/{securable_type}/{full_name:path}")
    def get_effective_permissions(principal: Caller, securable_type: str, full_name: str, of: Of = None) -> Answer:
        return permissions.get_effective_permissions(principal, securable_type, full_name, of)

    return router
