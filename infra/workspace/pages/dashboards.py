"""The pages of dashboards: a list, and each dashboard as its viewers see it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from infra.workspace.dashboards.viewing import Viewing
from infra.workspace.gateway.caller import Caller
from infra.workspace.identity.service import IdentityService
from infra.workspace.pages.templates import page
from infra.workspace.pages.words import Words

# Drawings and texts of dashboards stand in the page itself: whatever they hold, no script of theirs runs.
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def routes(viewing: Viewing, identity: IdentityService) -> APIRouter:
    router = APIRouter(default_response_class=HTMLResponse)
    words = Words(identity)

    @router.get("/dashboards")
    def list_dashboards(principal: Caller) -> HTMLResponse:
        listed = viewing.listed(principal)
        return page("dashboards.html", principal=principal, dashboards=listed, words=words)

    @router.get("/dashboards/{id}")
    def get_dashboard(request: Request, principal: Caller, id: str) -> HTMLResponse:
        asked = request.query_params
        address = {name: asked.getlist(name) for name in asked}
        view = viewing.view(principal, id, asked.get("page"), address)
        answer = page("dashboard.html", principal=principal, view=view, words=words)
        answer.headers["content-security-policy"] = _POLICY
        return answer

    return router
