"""Errors as Databricks' REST API tells them: one class a code, one JSON shape for all."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_STORAGE_TROUBLE = frozenset({errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EFBIG})
_DATABASE_TROUBLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})
_PRIMARY_CODE = 0xFF  # SQLite's extended codes carry the primary one in their last byte


class ApiError(Exception):
    """An error with Databricks' `error_code` and HTTP status; the message is for people."""

    error_code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500

    def __init__(self, message: str, error_code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = error_code or self.error_code

    def body(self) -> dict[str, Any]:
        return {"error_code": self.code, "message": self.message}


class BadRequest(ApiError):
    error_code, status = "INVALID_PARAMETER_VALUE", 400


class MalformedRequest(ApiError):
    error_code, status = "MALFORMED_REQUEST", 400


class InvalidState(ApiError):
    error_code, status = "INVALID_STATE", 400


class Unauthenticated(ApiError):
    error_code, status = "UNAUTHENTICATED", 401


class PermissionDenied(ApiError):
    error_code, status = "PERMISSION_DENIED", 403


class NotFound(ApiError):
    error_code, status = "RESOURCE_DOES_NOT_EXIST", 404


class EndpointNotFound(ApiError):
    error_code, status = "ENDPOINT_NOT_FOUND", 404


class AlreadyExists(ApiError):
    """400 is what most of the workspace's APIs answer; Unity Catalog's own subclasses say 409."""

    error_code, status = "RESOURCE_ALREADY_EXISTS", 400


class Conflict(ApiError):
    error_code, status = "RESOURCE_CONFLICT", 409


class QuotaExceeded(ApiError):
    error_code, status = "RESOURCE_EXHAUSTED", 429


class NotSupported(ApiError):
    """A call of Databricks' that the local workspace does not have; the message names it."""

    error_code, status = "NOT_IMPLEMENTED", 501


class Unavailable(ApiError):
    error_code, status = "TEMPORARILY_UNAVAILABLE", 503


class StorageFull(ApiError):
    error_code, status = "INTERNAL_ERROR", 507


def install_error_handlers(app: FastAPI) -> None:
    """Every way in which a request can fail ends in the one JSON shape."""

    @app.exception_handler(ApiError)
    def api_error(request: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.body(), status_code=error.status)

    @app.exception_handler(RequestValidationError)
    def invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'][1:])}: {problem['msg']}" for problem in error.errors()
        )
        return api_error(request, MalformedRequest(f"{request.method} {request.url.path}: {problems}"))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> JSONResponse:
        call = f"{request.method} {request.url.path}"
        if request.url.path.startswith("/api/") and error.status_code in (404, 405):
            return api_error(request, NotSupported(f"{call} is a call that the local workspace does not have"))
        return api_error(request, EndpointNotFound(f"{call}: {error.detail}"))

    @app.exception_handler(OSError)
    def os_error(request: Request, error: OSError) -> JSONResponse:
        if error.errno in _STORAGE_TROUBLE:
            return api_error(request, StorageFull(f"the workspace's data folder cannot be written: {error}"))
        return unexpected(request, error)

    @app.exception_handler(sqlite3.OperationalError)
    def database_error(request: Request, error: sqlite3.OperationalError) -> JSONResponse:
        if error.sqlite_errorcode & _PRIMARY_CODE in _DATABASE_TROUBLE:
            return api_error(request, StorageFull(f"the workspace's database cannot be written: {error}"))
        return unexpected(request, error)

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> JSONResponse:
        # Starlette logs the traceback after this answer; a client only needs to know that the fault is ours.
        call = f"{request.method} {request.url.path}"
        return api_error(request, ApiError(f"{call} failed inside the local workspace: {type(error).__name__}"))
