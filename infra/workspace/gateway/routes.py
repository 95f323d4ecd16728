"""Login and the workspace's own status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from infra.workspace.gateway.authentication import session_cookie
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import ApiError
from infra.workspace.gateway.login import SESSION_LIFETIME, LoginService
from infra.workspace.pages.templates import page


def routes(login: LoginService, status: Callable[[], dict[str, Any]]) -> APIRouter:
    router = APIRouter()

    @router.get("/api/2.0/local/status")
    def get_status(principal: Caller) -> dict[str, Any]:
        return status()

    @router.post("/api/2.0/local/login-codes")
    def create_code(principal: Caller) -> dict[str, str]:
        return {"code": login.create_code(principal)}

    @router.get("/login", response_class=HTMLResponse)
    def login_page(request: Request, code: str | None = None, next: str = "/") -> Response:
        if code is None:
            return page("login.html", next=_own_path(next))
        try:
            return _logged_in(request, login.session_by_code(code), next)
        except ApiError as error:
            return page("login.html", status=error.status, next=_own_path(next), problem=error.message)

    @router.post("/login", response_class=HTMLResponse)
    def login_by_token(request: Request, token: Annotated[str, Form()], next: Annotated[str, Form()] = "/") -> Response:
        try:
            return _logged_in(request, login.session_by_token(token.strip()), next)
        except ApiError as error:
            return page("login.html", status=error.status, next=_own_path(next), problem=error.message)

    return router


def _logged_in(request: Request, session: str, target: str) -> Response:
    response = RedirectResponse(_own_path(target), status_code=303)
    response.set_cookie(
        session_cookie(request.headers),
        session,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="strict",
    )
    return response


def _own_path(target: str) -> str:
    """Only paths of this workspace: a login link must not send anyone elsewhere."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/"
