"""The REST calls of DBFS."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from infra.workspace.files.dbfs import Dbfs, decoded
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import BadRequest

_PREFIX = "/api/2.0/dbfs"
Text = Annotated[str, Body()]
Flag = Annotated[bool, Body()]


def routes(service: Dbfs) -> APIRouter:
    router = APIRouter()

    @router.get(_PREFIX + "/get-status")
    def get_status(principal: Caller, path: str) -> dict[str, Any]:
        return service.get_status(principal, path)

    @router.get(_PREFIX + "/list")
    def list(principal: Caller, path: str) -> dict[str, Any]:
        return service.list(principal, path)

    @router.get(_PREFIX + "/read")
    def read(principal: Caller, path: str, offset: int = 0, length: int = 524_288) -> dict[str, Any]:
        return service.read(principal, path, offset, length)

    @router.post(_PREFIX + "/put")
    async def put(request: Request, principal: Caller) -> dict[str, Any]:
        if request.headers.get("content-type", "").startswith("application/json"):
            fields = await request.json()
            contents = decoded(str(fields.get("contents") or ""))
        else:
            form = await request.form()
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
            file = form.get("contents")
            contents = await file.read() if isinstance(file, UploadFile) else decoded(str(file or ""))
        if not fields.get("path"):
            raise BadRequest("dbfs/put needs a path")
        overwrite = str(fields.get("overwrite", False)).lower() == "true"
        return await run_in_threadpool(service.put, principal, str(fields["path"]), contents, overwrite)

    @router.post(_PREFIX + "/create")
    def create(principal: Caller, path: Text, overwrite: Flag = False) -> dict[str, Any]:
        return service.create(principal, path, overwrite)

    @router.post(_PREFIX + "/add-block")
    def add_block(principal: Caller, handle: Annotated[int, Body()], data: Text) -> dict[str, Any]:
        return service.add_block(principal, handle, data)

    @router.post(_PREFIX + "/close")
    def close(principal: Caller, handle: Annotated[int, Body(embed=True)]) -> dict[str, Any]:
        return service.close(principal, handle)

    @router.post(_PREFIX + "/mkdirs")
    def mkdirs(principal: Caller, path: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
        return service.mkdirs(principal, path)

    @router.post(_PREFIX + "/move")
    def move(principal: Caller, source_path: Text, destination_path: Text) -> dict[str, Any]:
        return service.move(principal, source_path, destination_path)

    @router.post(_PREFIX + "/delete")
    def delete(principal: Caller, path: Text, recursive: Flag = False) -> dict[str, Any]:
        return service.delete(principal, path, recursive)

    return router
