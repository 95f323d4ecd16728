"""The room's REST: SQL warehouses, the Statement Execution API, and 501 by name for the rest of Databricks SQL."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotSupported
from infra.workspace.sql.service import SqlService

Answer = dict[str, Any]
_WAREHOUSES, _STATEMENTS = "/api/2.0/sql/warehouses", "/api/2.0/sql/statements"


def routes(service: SqlService) -> APIRouter:
    router = APIRouter()
    warehouses, statements = service.warehouses, service.statements

    @router.post(_WAREHOUSES)
    def create_warehouse(principal: Caller, body: Answer) -> Answer:
        return warehouses.create_warehouse(principal, body)

    @router.get(_WAREHOUSES)
    def list_warehouses(principal: Caller) -> Answer:
        return warehouses.list_warehouses(principal)

    @router.get(_WAREHOUSES + "/{id}")
    def get_warehouse(principal: Caller, id: str) -> Answer:
        return warehouses.get_warehouse(principal, id)

    @router.post(_WAREHOUSES + "/{id}/edit")
    def edit_warehouse(principal: Caller, id: str, body: Answer) -> Answer:
        return warehouses.edit_warehouse(principal, id, body)

    @router.delete(_WAREHOUSES + "/{id}")
    def delete_warehouse(principal: Caller, id: str) -> Answer:
        return warehouses.delete_warehouse(principal, id)

    @router.post(_WAREHOUSES + "/{id}/start")
    def start_warehouse(principal: Caller, id: str) -> Answer:
        return warehouses.start_warehouse(principal, id)

    @router.post(_WAREHOUSES + "/{id}/stop")
    def stop_warehouse(principal: Caller, id: str) -> Answer:
        return warehouses.stop_warehouse(principal, id)

    @router.get("/api/2.0/preview/sql/data_sources")
    def list_data_sources(principal: Caller) -> list[Answer]:
        return warehouses.list_data_sources(principal)

    @router.post(_STATEMENTS)
    @router.post(_STATEMENTS + "/")
    def execute_statement(principal: Caller, body: Answer) -> JSONResponse:
        return JSONResponse(statements.execute_statement(principal, body))

    @router.get(_STATEMENTS + "/{id}")
    def get_statement(principal: Caller, id: str) -> JSONResponse:
        return JSONResponse(statements.get_statement(principal, id))

    @router.get(_STATEMENTS + "/{id}/result/chunks/{position}")
    def get_chunk(principal: Caller, id: str, position: int) -> JSONResponse:
        return JSONResponse(statements.get_chunk(principal, id, position))

    @router.post(_STATEMENTS + "/{id}/cancel")
    def cancel_statement(principal: Caller, id: str) -> Answer:
        return statements.cancel_statement(principal, id)

    @router.api_route("/api/2.0/sql/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @router.api_route("/api/2.0/preview/sql/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unsupported(request: Request, rest: str) -> Answer:
        raise NotSupported(f"the local workspace does not have {request.method} {request.url.path}")

    return router
