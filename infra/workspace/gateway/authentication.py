"""Nothing is answered without a token that this workspace issued, and only to loopback."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.workspace.gateway.errors import ApiError, PermissionDenied, Unauthenticated
from infra.workspace.identity.principal import Principal

_OPEN_PATHS = ("/.well-known/", "/oidc/", "/login", "/assets/")
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def session_cookie(headers: Headers) -> str:
    """The session's name; browsers keep cookies by host, not by port, and several workspaces share one host."""
    return "branchline_session_" + headers.get("host", "").rpartition(":")[2]


class Authentication:
    """ASGI middleware that puts the caller into `scope["principal"]`, or answers 401 in its place.

    Clients bring `Authorization: Bearer TOKEN` (or Basic with user `token`); browsers a session cookie that the login
    page set. A request by cookie that changes something must come from one of our own pages.
    """

    def __init__(self, app: ASGIApp, authenticate: Callable[[str], Principal]) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            _refuse_foreign_host(headers)
            if not scope["path"].startswith(_OPEN_PATHS):
                scope["principal"] = await self._principal(scope, headers)
        except ApiError as error:
            await _refusal(scope, headers, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _principal(self, scope: Scope, headers: Headers) -> Principal:
        token = _token_of(headers)
        if token is None:
            token = _session_of(headers)
            if token is not None and scope["method"] not in _SAFE_METHODS:
                _refuse_foreign_origin(headers)
        if token is None:
            raise Unauthenticated(
                "this workspace answers only with a token that it issued; send Authorization: Bearer …"
            )
        # The first look-up of a token reads the database; the event loop must not wait for it.
        return await run_in_threadpool(self._authenticate, token)


def _token_of(headers: Headers) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Unauthenticated("the Authorization header is not valid Basic authentication") from error
        if user != "token":
            raise Unauthenticated("Basic authentication takes the user name 'token' and a token as password")
        return password
    return None


def _session_of(headers: Headers) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(session_cookie(headers))
    except CookieError:
        return None
    return morsel.value if morsel else None


def _refuse_foreign_host(headers: Headers) -> None:
    """A web page elsewhere can make its own name resolve to loopback; it cannot forge the Host header."""
    name = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    if name not in _LOOPBACK_NAMES:
        raise PermissionDenied(f"the local workspace answers on loopback names only, not as {name!r}")


def _refuse_foreign_origin(headers: Headers) -> None:
    origin = headers.get("origin", "")
    if origin != f"http://{headers['host']}":
        raise PermissionDenied("a change by session cookie must come from this workspace's own pages")


def _refusal(scope: Scope, headers: Headers, error: ApiError) -> Response:
    wants_page = "text/html" in headers.get("accept", "") and scope["method"] == "GET"
    if wants_page and isinstance(error, Unauthenticated):
        query = scope.get("query_string", b"").decode()
        target = scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/login?next={quote(target)}", status_code=303)
    response = JSONResponse(error.body(), status_code=error.status)
    if isinstance(error, Unauthenticated):
        response.headers["www-authenticate"] = 'Bearer realm="branchline"'
    return response
