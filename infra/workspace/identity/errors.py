"""Errors whose standards prescribe another JSON shape: SCIM (RFC 7644, 3.12) and OAuth 2.0 (RFC 6749, 5.2)."""

from __future__ import annotations

from typing import Any

from infra.workspace.gateway.errors import ApiError

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(ApiError):
    """A SCIM call that failed; `scim_type` is one of RFC 7644's keywords, and only for status 400."""

    error_code, status = "INTERNAL_ERROR", 500

    def __init__(self, message: str, scim_type: str | None = None) -> None:
        super().__init__(message)
        self.scim_type = scim_type

    def body(self) -> dict[str, Any]:
        body = {"schemas": [ERROR_SCHEMA], "detail": self.message, "status": str(self.status)}
        return body if self.scim_type is None else {**body, "scimType": self.scim_type}


class ScimBadRequest(ScimError):
    error_code, status = "INVALID_PARAMETER_VALUE", 400


class ScimForbidden(ScimError):
    error_code, status = "PERMISSION_DENIED", 403


class ScimNotFound(ScimError):
    error_code, status = "RESOURCE_DOES_NOT_EXIST", 404


class ScimConflict(ScimError):
    """A duplicate. It carries no scimType: clients compare the message whole, as Databricks sends it."""

    error_code, status = "RESOURCE_CONFLICT", 409


class OAuthError(ApiError):
    """A token request that was refused; `error` is one of RFC 6749's keywords."""

    error_code, status = "invalid_request", 400

    def body(self) -> dict[str, Any]:
        return {"error": self.code, "error_description": self.message}


class InvalidClient(OAuthError):
    error_code, status = "invalid_client", 401
