"""MLflow's REST API and pages (at /mlflow/), behind the workspace's access control."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from infra.workspace.gateway.caller import Caller
from infra.workspace.tracking.proxy import Proxy
from infra.workspace.tracking.service import TrackingService

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_EXPERIMENTS = "/2.0/mlflow/experiments"
# The calls of MLflow's clients, and of its pages, which live under /mlflow and ask for addresses relative to that.
_API, _PAGES = ("/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api"), "/mlflow"
_PASSED_ON = (
    "/api/2.0/mlflow/{rest:path}",
    "/api/3.0/mlflow/{rest:path}",
    "/api/2.0/mlflow-artifacts/{rest:path}",
    "/ajax-api/{rest:path}",
    "/graphql",
    "/get-artifact",
    "/model-versions/get-artifact",
    "/v1/traces",
    "/version",
    "/health",
)


class CreateExperiment(BaseModel):
    name: str
    tags: list[dict[str, Any]] = Field(default_factory=list)
    artifact_location: str | None = None


class UpdateExperiment(BaseModel):
    experiment_id: str
    new_name: str


class OneExperiment(BaseModel):
    experiment_id: str


def routes(service: TrackingService) -> APIRouter:
    """To be included after the models room's routes: what is left is passed on to MLflow."""
    router = APIRouter()
    for prefix in _API:
        _experiment_routes(router, service, prefix + _EXPERIMENTS)
    _passed_on(router, Proxy(service))
    return router


def _experiment_routes(router: APIRouter, service: TrackingService, prefix: str) -> None:
    @router.post(prefix + "/create")
    def create_experiment(principal: Caller, body: CreateExperiment) -> dict[str, Any]:
        return service.create_experiment(principal, body.name, body.tags, body.artifact_location or "")

    @router.get(prefix + "/get")
    def get_experiment(principal: Caller, experiment_id: str) -> dict[str, Any]:
        return service.get_experiment(principal, experiment_id)

    @router.get(prefix + "/get-by-name")
    def get_experiment_by_name(principal: Caller, experiment_name: str) -> dict[str, Any]:
        return service.get_experiment_by_name(principal, experiment_name)

    @router.get(prefix + "/list")
    def list_experiments(request: Request, principal: Caller) -> dict[str, Any]:
        return service.list_experiments(principal, dict(request.query_params))

    @router.post(prefix + "/update")
    def update_experiment(principal: Caller, body: UpdateExperiment) -> dict[str, Any]:
        return service.update_experiment(principal, body.experiment_id, body.new_name)

    @router.post(prefix + "/delete")
    def delete_experiment(principal: Caller, body: OneExperiment) -> dict[str, Any]:
        return service.delete_experiment(principal, body.experiment_id)

    @router.post(prefix + "/restore")
    def restore_experiment(principal: Caller, body: OneExperiment) -> dict[str, Any]:
        return service.restore_experiment(principal, body.experiment_id)


def _passed_on(router: APIRouter, proxy: Proxy) -> None:
    async def forward(request: Request, principal: Caller) -> Response:
        return await proxy.forward(request, principal, request.scope["path"])

    async def forward_page(request: Request, principal: Caller) -> Response:
        return await proxy.forward(request, principal, request.scope["path"].removeprefix(_PAGES))

    def to_pages(principal: Caller) -> RedirectResponse:
        return RedirectResponse(_PAGES + "/")

    for path in _PASSED_ON:
        router.add_api_route(path, forward, methods=_METHODS)
    router.add_api_route(_PAGES, to_pages, methods=["GET"])
    router.add_api_route(_PAGES + "/{rest:path}", forward_page, methods=_METHODS)
