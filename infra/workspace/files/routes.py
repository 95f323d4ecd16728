"""The REST calls of the workspace tree; the Files API and DBFS have files of their own beside this one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from infra.workspace.files.service import FilesService
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import BadRequest

_PREFIX = "/api/2.0/workspace"


def routes(service: FilesService) -> APIRouter:
    router = APIRouter()

    @router.post(_PREFIX + "/mkdirs")
    def mkdirs(principal: Caller, path: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
        return service.mkdirs(principal, path)

    @router.get(_PREFIX + "/get-status")
    def get_status(principal: Caller, path: str) -> dict[str, Any]:
        return service.get_status(principal, path)

    @router.get(_PREFIX + "/list")
    def list(principal: Caller, path: str) -> dict[str, Any]:
        return service.list(principal, path)

    @router.post(_PREFIX + "/delete")
    def delete(
        principal: Caller, path: Annotated[str, Body()], recursive: Annotated[bool, Body()] = False
    ) -> dict[str, Any]:
        return service.delete(principal, path, recursive)

    @router.post(_PREFIX + "/import")
    async def import_object(request: Request, principal: Caller) -> dict[str, Any]:
        fields, data = await _import_of(request, service)
        return await run_in_threadpool(
            service.import_object,
            principal,
            str(fields.get("path", "")),
            data,
            str(fields.get("format") or "SOURCE"),
            fields.get("language") or None,
            str(fields.get("overwrite", False)).lower() == "true",
        )

    @router.get(_PREFIX + "/export")
    def export(
        principal: Caller, path: str, format: Annotated[str, Query()] = "SOURCE", direct_download: bool = False
    ) -> Any:
        if direct_download:
            return Response(service.export_raw(principal, path, format), media_type="application/octet-stream")
        return service.export(principal, path, format)

    @router.post("/api/2.0/workspace-files/import-file/{path:path}")
    async def import_file(request: Request, principal: Caller, path: str, overwrite: bool = False) -> dict[str, Any]:
        data = await request.body()
        return await run_in_threadpool(service.import_file, principal, f"/{path.lstrip('/')}", data, overwrite)

    @router.get("/api/2.0/workspace-files/{path:path}")
    def export_raw(principal: Caller, path: str) -> Response:
        data = service.export_raw(principal, f"/{path.lstrip('/')}", "AUTO")
        return Response(data, media_type="application/octet-stream")

    return router


async def _import_of(request: Request, service: FilesService) -> tuple[dict[str, Any], bytes]:
    """An import as JSON (contents in base64) or as a form with the contents as a file."""
    if request.headers.get("content-type", "").startswith("application/json"):
        fields = await request.json()
        if not isinstance(fields, dict):
            raise BadRequest("workspace/import takes a JSON object")
        return fields, service.content(str(fields.get("content") or ""))
    form = await request.form()
    return {key: value for key, value in form.items() if isinstance(value, str)}, await content_of(form, "content")


async def content_of(form: FormData, name: str) -> bytes:
    content = form.get(name)
    if not isinstance(content, UploadFile):
        raise BadRequest(f"the form has no file named {name!r}")
    return await content.read()
