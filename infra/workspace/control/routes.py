"""The control room over REST, under a prefix that Databricks does not have."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.control.service import ControlService
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotSupported

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]


def routes(service: ControlService) -> APIRouter:
    router = APIRouter(prefix="/api/2.0/local")

    @router.get("/clock")
    def get_clock(principal: Caller) -> Json:
        return service.get_clock(principal)

    @router.put("/clock")
    def advance_clock(principal: Caller, body: JsonBody) -> Json:
        return service.advance_clock(principal, body)

    @router.get("/faults")
    def list_faults(principal: Caller) -> Json:
        return service.list_faults(principal)

    @router.post("/faults")
    def arm_fault(principal: Caller, body: JsonBody) -> Json:
        return service.arm_fault(principal, body)

    @router.delete("/faults")
    def clear_faults(principal: Caller) -> Json:
        return service.clear_faults(principal)

    @router.post("/reset")
    def reset(principal: Caller) -> None:
        raise NotSupported("a running workspace cannot be reset: use 'branchline workspace reset'")

    return router
