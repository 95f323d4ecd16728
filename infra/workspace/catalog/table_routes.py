"""REST of tables, their constraints, and functions (of which there are none)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse

from infra.workspace.catalog import sail
from infra.workspace.catalog.address import PREFIX
from infra.workspace.catalog.constraints import ConstraintsService
from infra.workspace.catalog.tables import TablesService
from infra.workspace.gateway.caller import Caller

Answer = dict[str, Any]
UserAgent = Annotated[str | None, Header()]


def table_routes(service: TablesService, constraints: ConstraintsService) -> APIRouter:
    router = APIRouter(prefix=PREFIX)

    @router.post("/staging-tables")
    def create_staging_table(principal: Caller, body: Answer) -> Answer:
        return service.create_staging_table(principal, body)

    @router.post("/tables")
    def create_table(principal: Caller, body: Answer, user_agent: UserAgent = None) -> Answer:
        table = service.create_table(principal, body)
        return sail.created(table) if sail.is_sail(user_agent) else table

    @router.get("/tables")
    def list_tables(
        principal: Caller,
        catalog_name: str,
        schema_name: str,
        max_results: int | None = None,
        page_token: str | None = None,
        omit_columns: bool = False,
        user_agent: UserAgent = None,
    ) -> JSONResponse:
        answer = service.list_tables(principal, catalog_name, schema_name, max_results, page_token, omit_columns)
        if sail.is_sail(user_agent):
            answer["tables"] = [sail.looked_up(table) for table in answer["tables"]]
        return JSONResponse(answer)

    @router.get("/table-summaries")
    def list_table_summaries(
        principal: Caller,
        catalog_name: str,
        schema_name_pattern: str = "",
        table_name_pattern: str = "",
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Answer:
        return service.list_table_summaries(
            principal, catalog_name, schema_name_pattern, table_name_pattern, max_results, page_token
        )

    @router.get("/tables/{full_name}")
    def get_table(principal: Caller, full_name: str, user_agent: UserAgent = None) -> JSONResponse:
        if sail.is_sail(user_agent):
            return JSONResponse(sail.looked_up(service.get_table(principal, full_name, to_read=True)))
        return JSONResponse(service.get_table(principal, full_name))

    @router.get("/tables/{full_name}/exists")
    def table_exists(principal: Caller, full_name: str) -> Answer:
        return service.table_exists(principal, full_name)

    @router.patch("/tables/{full_name}")
    def update_table(principal: Caller, full_name: str, body: Answer) -> Answer:
        return service.update_table(principal, full_name, body)

    @router.delete("/tables/{full_name}")
    def delete_table(principal: Caller, full_name: str) -> Answer:
        service.delete_table(principal, full_name)
        return {}

    @router.post("/constraints")
    def create_constraint(principal: Caller, body: Answer) -> Answer:
        return constraints.create_constraint(principal, body)

    @router.delete("/constraints/{full_name}")
    def delete_constraint(principal: Caller, full_name: str, constraint_name: str, cascade: bool = False) -> Answer:
        constraints.delete_constraint(principal, full_name, constraint_name, cascade)
        return {}

    @router.get("/functions")
    def list_functions(principal: Caller, catalog_name: str, schema_name: str) -> Answer:
        service.list_tables(principal, catalog_name, schema_name, None, None, omit_columns=True)
        return {"functions": []}

    return router
