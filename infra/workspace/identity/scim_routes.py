"""SCIM 2.0, under each address at which a workspace answers it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query

from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotSupported
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService

_BASES = ("/api/2.0/preview/scim/v2", "/api/2.0/scim/v2", "/api/2.0/account/scim/v2")

Resource = dict[str, Any]
Given = Annotated[Resource, Body()]
Excluded = Annotated[str | None, Query(alias="excludedAttributes")]


def _resource_type(resource_type: str) -> ResourceType:
    try:
        return ResourceType(resource_type)
    except ValueError:
        raise NotSupported(f"the local workspace has no SCIM {resource_type}") from None


Addressed = Annotated[ResourceType, Depends(_resource_type)]


def scim_routes(service: IdentityService) -> APIRouter:
    router = APIRouter()
    for base in _BASES:
        router.routes.extend(_at(service, base).routes)
    return router


def _at(service: IdentityService, base: str) -> APIRouter:
    router, scim = APIRouter(prefix=base), service.scim

    @router.get("/Me")
    def me(principal: Caller) -> Resource:
        return scim.me(principal)

    @router.get("/{resource_type}")
    def list(
        principal: Caller,
        resource_type: Addressed,
        filter: str | None = None,
        start_index: Annotated[int, Query(alias="startIndex")] = 1,
        count: int | None = None,
        attributes: str | None = None,
        excluded: Excluded = None,
        sort_by: Annotated[str | None, Query(alias="sortBy")] = None,
        sort_order: Annotated[str, Query(alias="sortOrder")] = "ascending",
    ) -> Resource:
        return scim.list(
            principal,
            resource_type,
            filter=filter,
            start_index=start_index,
            count=count,
            attributes=attributes,
            excluded=excluded,
            sort_by=sort_by,
            descending=sort_order == "descending",
        )

    @router.post("/{resource_type}", status_code=201)
    def create(principal: Caller, resource_type: Addressed, resource: Given) -> Resource:
        return scim.create(principal, resource_type, resource)

    @router.get("/{resource_type}/{id}")
    def get(
        principal: Caller,
        resource_type: Addressed,
        id: str,
        attributes: str | None = None,
        excluded: Excluded = None,
    ) -> Resource:
        return scim.get(principal, resource_type, id, attributes, excluded)

    @router.put("/{resource_type}/{id}")
    def replace(principal: Caller, resource_type: Addressed, id: str, resource: Given) -> Resource:
        return scim.replace(principal, resource_type, id, resource)

    @router.patch("/{resource_type}/{id}", status_code=204)
    def patch(principal: Caller, resource_type: Addressed, id: str, operations: Given) -> None:
        scim.patch(principal, resource_type, id, operations)

    @router.delete("/{resource_type}/{id}", status_code=204)
    def delete(principal: Caller, resource_type: Addressed, id: str) -> None:
        scim.delete(principal, resource_type, id)

    return router
