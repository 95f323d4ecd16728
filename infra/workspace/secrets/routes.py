"""The Secrets API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.gateway.caller import Caller
from infra.workspace.secrets.service import SecretsService

Given = Annotated[dict[str, Any], Body()]
Field = Annotated[str, Body()]
_PREFIX = "/api/2.0/secrets"


def routes(service: SecretsService) -> APIRouter:
    router = APIRouter()
    for part in (_scopes(service), _secrets(service), _acls(service)):
        router.routes.extend(part.routes)
    return router


def _scopes(service: SecretsService) -> APIRouter:
    router = APIRouter(prefix=f"{_PREFIX}/scopes")

    @router.post("/create")
    def create_scope(principal: Caller, body: Given) -> dict[str, Any]:
        service.create_scope(principal, body)
        return {}

    @router.get("/list")
    def list_scopes(principal: Caller) -> dict[str, Any]:
        return service.list_scopes(principal)

    @router.post("/delete")
    def delete_scope(principal: Caller, scope: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
        service.delete_scope(principal, scope)
        return {}

    return router


def _secrets(service: SecretsService) -> APIRouter:
    router = APIRouter(prefix=_PREFIX)

    @router.post("/put")
    def put_secret(principal: Caller, body: Given) -> dict[str, Any]:
        service.put_secret(principal, body)
        return {}

    @router.get("/get")
    def get_secret(principal: Caller, scope: str, key: str) -> dict[str, Any]:
        return service.get_secret(principal, scope, key)

    @router.get("/list")
    def list_secrets(principal: Caller, scope: str) -> dict[str, Any]:
        return service.list_secrets(principal, scope)

    @router.post("/delete")
    def delete_secret(principal: Caller, scope: Field, key: Field) -> dict[str, Any]:
        service.delete_secret(principal, scope, key)
        return {}

    return router


def _acls(service: SecretsService) -> APIRouter:
    router = APIRouter(prefix=f"{_PREFIX}/acls")

    @router.post("/put")
    def put_acl(caller: Caller, scope: Field, principal: Field, permission: Field) -> dict[str, Any]:
        service.put_acl(caller, scope, principal, permission)
        return {}

    @router.get("/get")
    def get_acl(caller: Caller, scope: str, principal: str) -> dict[str, Any]:
        return service.get_acl(caller, scope, principal)

    @router.get("/list")
    def list_acls(principal: Caller, scope: str) -> dict[str, Any]:
        return service.list_acls(principal, scope)

    @router.post("/delete")
    def delete_acl(caller: Caller, scope: Field, principal: Field) -> dict[str, Any]:
        service.delete_acl(caller, scope, principal)
        return {}

    return router
