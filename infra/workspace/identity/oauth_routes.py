"""OAuth's discovery and token endpoints, service principals' secrets and federation policies, and rule sets."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Body, Form, Header, Request, Response

from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotSupported
from infra.workspace.identity.errors import InvalidClient, OAuthError
from infra.workspace.identity.federation_policy import ACCOUNT_ID
from infra.workspace.identity.federation_routes import federation_routes
from infra.workspace.identity.service import IdentityService

Given = Annotated[dict[str, Any], Body()]
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_SECRETS = "/api/2.0/accounts/servicePrincipals/{service_principal_id}/credentials/secrets"


def oauth_routes(service: IdentityService, workspace_id: int | None) -> APIRouter:
    router = APIRouter()
    parts = [
        _discovery(workspace_id),
        _tokens(service),
        _secrets(service),
        federation_routes(service.oauth.federation),
    ]
    parts += [_rule_sets(service, f"/api/2.0/preview/accounts{account}") for account in ("", "/{account_id}")]
    for part in parts:
        router.routes.extend(part.routes)
    return router


def _discovery(workspace_id: int | None) -> APIRouter:
    """Open to all: clients read these addresses before they have a token."""
    router = APIRouter()

    @router.get("/.well-known/databricks-config")
    def databricks_config(request: Request) -> dict[str, Any]:
        known = {} if workspace_id is None else {"workspace_id": str(workspace_id)}
        return {"oidc_endpoint": f"{_base(request)}/oidc", "account_id": ACCOUNT_ID, **known}

    @router.get("/oidc/.well-known/oauth-authorization-server")
    @router.get("/oidc/.well-known/openid-configuration")
    def authorization_server(request: Request) -> dict[str, Any]:
        issuer = f"{_base(request)}/oidc"
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/v1/authorize",
            "token_endpoint": f"{issuer}/v1/token",
            "grant_types_supported": ["client_credentials", _EXCHANGE],
            "response_types_supported": ["code"],
            "scopes_supported": ["all-apis"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    @router.get("/oidc/v1/authorize")
    def authorize() -> None:
        raise NotSupported("the local workspace has no interactive OAuth login (/oidc/v1/authorize): use a token")

    return router


def _tokens(service: IdentityService) -> APIRouter:
    router = APIRouter()

    @router.post("/oidc/v1/token")
    def token(
        response: Response,
        grant_type: Annotated[str, Form()] = "",
        scope: Annotated[str | None, Form()] = None,
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
        subject_token: Annotated[str, Form()] = "",
        subject_token_type: Annotated[str, Form()] = "",
        authorization: Annotated[str, Header()] = "",
    ) -> dict[str, Any]:
        response.headers["cache-control"] = "no-store"
        if grant_type == _EXCHANGE:
            return service.oauth.token_exchange(client_id, subject_token, subject_token_type, scope)
        if grant_type != "client_credentials":
            known = f"client_credentials or {_EXCHANGE}"
            raise OAuthError(f"grant_type is {known}, not {grant_type!r}", "unsupported_grant_type")
        if authorization:
            client_id, client_secret = _basic(authorization)
        return service.oauth.client_credentials(client_id, client_secret, scope)

    return router


def _secrets(service: IdentityService) -> APIRouter:
    router, oauth = APIRouter(), service.oauth

    @router.post(_SECRETS)
    def create_secret(
        principal: Caller, service_principal_id: str, body: Annotated[dict[str, Any] | None, Body()] = None
    ) -> dict[str, Any]:
        return oauth.create_secret(principal, service_principal_id, body or {})

    @router.get(_SECRETS)
    def list_secrets(principal: Caller, service_principal_id: str) -> dict[str, Any]:
        return oauth.list_secrets(principal, service_principal_id)

    @router.delete(_SECRETS + "/{secret_id}")
    def delete_secret(principal: Caller, service_principal_id: str, secret_id: str) -> dict[str, Any]:
        oauth.delete_secret(principal, service_principal_id, secret_id)
        return {}

    return router


def _rule_sets(service: IdentityService, accounts: str) -> APIRouter:
    router, rule_sets = APIRouter(prefix=f"{accounts}/access-control"), service.rule_sets

    @router.get("/rule-sets")
    def get_rule_set(principal: Caller, name: str) -> dict[str, Any]:
        return rule_sets.get_rule_set(principal, name)

    @router.put("/rule-sets")
    def update_rule_set(principal: Caller, body: Given) -> dict[str, Any]:
        return rule_sets.update_rule_set(principal, body)

    @router.get("/assignable-roles")
    def assignable_roles(principal: Caller, resource: str) -> dict[str, Any]:
        return rule_sets.assignable_roles(principal, resource)

    return router


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _basic(authorization: str) -> tuple[str, str]:
    """Both parts are form-encoded before they are joined (RFC 6749, 2.3.1)."""
    scheme, _, value = authorization.partition(" ")
    try:
        client_id, colon, client_secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise InvalidClient("client authentication is Basic, or client_id and client_secret in the form")
    return unquote_plus(client_id), unquote_plus(client_secret)
