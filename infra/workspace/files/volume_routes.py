"""The REST calls of the Files API."""

from __future__ import annotations

import email.utils
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool

from infra.workspace.files.local import NotADirectory
from infra.workspace.files.volumes import VolumeFiles
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import ApiError, BadRequest, NotSupported

_FILES = "/api/2.0/fs/files{path:path}"
_DIRECTORIES = "/api/2.0/fs/directories{path:path}"


class ModifiedSince(ApiError):
    error_code, status = "PRECONDITION_FAILED", 412


def routes(service: VolumeFiles) -> APIRouter:
    router = APIRouter()

    @router.get(_FILES)
    @router.head(_FILES)
    def download(request: Request, principal: Caller, path: str) -> FileResponse:
        file = service.download(principal, path)
        _check_unmodified(request, file)
        return FileResponse(file, media_type="application/octet-stream")

    @router.put(_FILES, status_code=204)
    async def upload(request: Request, principal: Caller, path: str, overwrite: bool = True) -> Response:
        incoming = await run_in_threadpool(service.upload, principal, path, overwrite)
        try:
            async for chunk in request.stream():
                await run_in_threadpool(incoming.write, chunk)
            await run_in_threadpool(incoming.commit)
        except BaseException:
            incoming.abort()
            raise
        return Response(status_code=204)

    @router.delete(_FILES, status_code=204)
    def delete(principal: Caller, path: str) -> Response:
        service.delete(principal, path)
        return Response(status_code=204)

    @router.post(_FILES)
    def initiate_upload(principal: Caller, path: str, action: str) -> dict[str, Any]:
        """Accepts a large upload: the client then asks for part addresses, is told 501, and uploads in one piece."""
        if action != "initiate-upload":
            raise NotSupported(f"POST /api/2.0/fs/files?action={action}: uploads come in one piece (PUT)")
        service.require_writable(principal, path)
        return {"multipart_upload": {"session_token": "single-shot"}}

    @router.get(_DIRECTORIES)
    def list_directory_contents(
        principal: Caller, path: str, page_size: int | None = None, page_token: str | None = None
    ) -> dict[str, Any]:
        if page_size is not None and page_size < 0:
            raise BadRequest("page_size must not be negative")
        return service.list_directory_contents(principal, path, page_size, page_token)

    @router.head(_DIRECTORIES)
    def get_directory_metadata(principal: Caller, path: str) -> Response:
        if not service.entry(principal, path).directory:
            raise NotADirectory(f"{path} is not a directory")
        return Response(status_code=200)

    @router.put(_DIRECTORIES, status_code=204)
    def create_directory(principal: Caller, path: str) -> Response:
        service.create_directory(principal, path)
        return Response(status_code=204)

    @router.delete(_DIRECTORIES, status_code=204)
    def delete_directory(principal: Caller, path: str) -> Response:
        service.delete_directory(principal, path)
        return Response(status_code=204)

    return router


def _check_unmodified(request: Request, file: Path) -> None:
    """A client that goes on after a broken download must get the rest of the same file."""
    since = request.headers.get("if-unmodified-since")
    if since is None:
        return
    try:
        moment = email.utils.parsedate_to_datetime(since).timestamp()
    except ValueError as error:
        raise BadRequest(f"If-Unmodified-Since is not a date: {since}") from error
    if int(file.stat().st_mtime) > moment:
        raise ModifiedSince(f"the file was modified after {since}")
