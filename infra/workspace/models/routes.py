"""The calls on registered models that are the workspace's own; all others are MLflow's, through the tracking room."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import BadRequest
from infra.workspace.models.service import ModelsService

_PREFIXES = tuple(f"{root}/2.0/mlflow" for root in ("/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api"))


class CreateModel(BaseModel):
    name: str
    tags: list[dict[str, Any]] = Field(default_factory=list)
    description: str | None = None


class RenameModel(BaseModel):
    name: str
    new_name: str


class UpdateModel(BaseModel):
    name: str
    description: str | None = None


class TransitionStage(BaseModel):
    name: str
    version: str | int
    stage: str
    archive_existing_versions: bool = False


def routes(service: ModelsService) -> APIRouter:
    """To be included before the tracking room's routes, which take whatever is left."""
    router = APIRouter()
    for prefix in _PREFIXES:
        _model_routes(router, service, prefix)
    return router


def _model_routes(router: APIRouter, service: ModelsService, prefix: str) -> None:
    @router.post(prefix + "/registered-models/create")
    def create_registered_model(principal: Caller, body: CreateModel) -> dict[str, Any]:
        return service.create_registered_model(principal, body.name, body.tags, body.description)

    @router.post(prefix + "/registered-models/rename")
    def rename_registered_model(principal: Caller, body: RenameModel) -> dict[str, Any]:
        return service.rename_registered_model(principal, body.name, body.new_name)

    @router.patch(prefix + "/registered-models/update")
    def update_registered_model(principal: Caller, body: UpdateModel) -> dict[str, Any]:
        return service.update_registered_model(principal, body.name, body.description)

    @router.delete(prefix + "/registered-models/delete")
    def delete_registered_model(
        principal: Caller, name: str | None = None, body: dict[str, Any] | None = Body(default=None)
    ) -> dict[str, Any]:
        """Databricks' clients send the name in the query, MLflow's in the body."""
        found = name or (body or {}).get("name")
        if not isinstance(found, str):
            raise BadRequest("Missing value for required parameter 'name'")
        return service.delete_registered_model(principal, found)

    @router.get(prefix + "/registered-models/list")
    def list_registered_models(request: Request, principal: Caller) -> dict[str, Any]:
        return service.list_registered_models(principal, dict(request.query_params))

    @router.post(prefix + "/model-versions/transition-stage")
    def transition_stage(principal: Caller, body: TransitionStage) -> dict[str, Any]:
        moved = service.transition_stage(
            principal, body.name, str(body.version), body.stage, body.archive_existing_versions
        )
        return {"model_version": moved}

    @router.post(prefix + "/databricks/model-versions/transition-stage")
    def transition_stage_databricks(principal: Caller, body: TransitionStage) -> dict[str, Any]:
        moved = service.transition_stage(
            principal, body.name, str(body.version), body.stage, body.archive_existing_versions
        )
        return {"model_version_databricks": moved}

    @router.get(prefix + "/databricks/registered-models/get")
    def get_registered_model_databricks(principal: Caller, name: str) -> dict[str, Any]:
        return service.get_registered_model_databricks(principal, name)
