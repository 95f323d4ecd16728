"""Personal access tokens: one's own, and those that admins manage."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.gateway.caller import Caller
from infra.workspace.identity.service import IdentityService

Given = Annotated[dict[str, Any], Body()]


def token_routes(service: IdentityService) -> APIRouter:
    router = APIRouter(prefix="/api/2.0")

    @router.post("/token/create")
    def create_token(principal: Caller, body: Given) -> dict[str, Any]:
        return service.create_token(principal, body)

    @router.get("/token/list")
    def list_tokens(principal: Caller) -> dict[str, Any]:
        return service.list_tokens(principal)

    @router.post("/token/delete")
    def delete_token(principal: Caller, token_id: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
        service.delete_token(principal, token_id)
        return {}

    @router.post("/token-management/on-behalf-of/tokens")
    def create_obo_token(principal: Caller, body: Given) -> dict[str, Any]:
        return service.create_obo_token(principal, body)

    @router.get("/token-management/tokens")
    def list_all_tokens(
        principal: Caller, created_by_id: int | None = None, created_by_username: str | None = None
    ) -> dict[str, Any]:
        return service.list_all_tokens(principal, created_by_id, created_by_username)

    @router.get("/token-management/tokens/{token_id}")
    def get_managed_token(principal: Caller, token_id: str) -> dict[str, Any]:
        return service.get_managed_token(principal, token_id)

    @router.delete("/token-management/tokens/{token_id}")
    def delete_managed_token(principal: Caller, token_id: str) -> dict[str, Any]:
        service.delete_managed_token(principal, token_id)
        return {}

    return router
