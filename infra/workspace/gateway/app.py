"""The workspace's ASGI application: authentication in front, the rooms' routers behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles

from infra.workspace.control.faults import FaultInjector, Faults
from infra.workspace.gateway.authentication import Authentication
from infra.workspace.gateway.errors import install_error_handlers
from infra.workspace.identity.principal import Principal

_ASSETS = Path(__file__).parents[1] / "pages/assets"


def build_app(
    routers: Iterable[APIRouter], authenticate: Callable[[str], Principal], faults: Faults | None = None
) -> FastAPI:
    """The application; `faults` are the calls that it fails on purpose, if there are to be any."""
    app = FastAPI(
        title="Branchline local workspace",
        # The interface is Databricks' own, documented there; generated pages of it would only slow the start.
        openapi_url=None,
        redirect_slashes=False,
    )
    install_error_handlers(app)
    for router in routers:
        # Not include_router: it builds every route once more, at every start, and calls pass through one more match.
        app.router.routes.extend(router.routes)
    app.mount("/assets", StaticFiles(directory=_ASSETS))
    if faults is not None:
        app.add_middleware(FaultInjector, faults=faults)
    app.add_middleware(Authentication, authenticate=authenticate)
    return app
