"""The room's REST: SCIM, tokens, OAuth, federation, rule sets and permissions."""

from __future__ import annotations

from fastapi import APIRouter

from infra.workspace.identity.oauth_routes import oauth_routes
from infra.workspace.identity.permission_routes import permission_routes
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.scim_routes import scim_routes
from infra.workspace.identity.service import IdentityService
from infra.workspace.identity.token_routes import token_routes


def routes(service: IdentityService, permissions: Permissions, workspace_id: int | None = None) -> APIRouter:
    router = APIRouter()
    parts = (
        scim_routes(service),
        token_routes(service),
        oauth_routes(service, workspace_id),
        permission_routes(permissions),
    )
    for part in parts:
        router.routes.extend(part.routes)
    return router
