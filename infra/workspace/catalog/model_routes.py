"""REST of registered models, their versions and aliases."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from infra.workspace.catalog.address import PREFIX
from infra.workspace.catalog.models import RegisteredModelsService
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import BadRequest

Answer = dict[str, Any]


def model_routes(service: RegisteredModelsService) -> APIRouter:
    router = APIRouter(prefix=PREFIX)

    @router.post("/models")
    def create_registered_model(principal: Caller, body: Answer) -> Answer:
        return service.create_registered_model(principal, body)

    @router.get("/models")
    def list_registered_models(
        principal: Caller,
        catalog_name: str | None = None,
        schema_name: str | None = None,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Answer:
        return service.list_registered_models(principal, catalog_name, schema_name, max_results, page_token)

    @router.get("/models/{full_name}")
    def get_registered_model(principal: Caller, full_name: str, include_aliases: bool = False) -> Answer:
        return service.get_registered_model(principal, full_name, include_aliases)

    @router.patch("/models/{full_name}")
    def update_registered_model(principal: Caller, full_name: str, body: Answer) -> Answer:
        return service.update_registered_model(principal, full_name, body)

    @router.delete("/models/{full_name}")
    def delete_registered_model(principal: Caller, full_name: str) -> Answer:
        service.delete_registered_model(principal, full_name)
        return {}

    @router.get("/models/{full_name}/versions")
    def list_model_versions(
        principal: Caller, full_name: str, max_results: int | None = None, page_token: str | None = None
    ) -> Answer:
        return service.list_model_versions(principal, full_name, max_results, page_token)

    @router.get("/models/{full_name}/versions/{version}")
    def get_model_version(principal: Caller, full_name: str, version: int) -> Answer:
        return service.get_model_version(principal, full_name, version)

    @router.patch("/models/{full_name}/versions/{version}")
    def update_model_version(principal: Caller, full_name: str, version: int, body: Answer) -> Answer:
        return service.update_model_version(principal, full_name, version, body)

    @router.delete("/models/{full_name}/versions/{version}")
    def delete_model_version(principal: Caller, full_name: str, version: int) -> Answer:
        service.delete_model_version(principal, full_name, version)
        return {}

    @router.get("/models/{full_name}/aliases/{alias}")
    def get_by_alias(principal: Caller, full_name: str, alias: str) -> Answer:
        return service.get_by_alias(principal, full_name, alias)

    @router.put("/models/{full_name}/aliases/{alias}")
    def set_alias(principal: Caller, full_name: str, alias: str, body: Answer) -> Answer:
        version = body.get("version_num")
        if not isinstance(version, int):
            raise BadRequest("version_num must be the number of a model version")
        return service.set_alias(principal, full_name, alias, version)

    @router.delete("/models/{full_name}/aliases/{alias}")
    def delete_alias(principal: Caller, full_name: str, alias: str) -> Answer:
        service.delete_alias(principal, full_name, alias)
        return {}

    return router
