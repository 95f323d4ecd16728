"""The marketplace's pages: HTML files that its catalogue job has put below a folder named `marketplace`.

They are many, lead to each other and can be searched, so unlike reports they keep this workspace's origin (a browser
sends its login along) and may run one script: the search, known by its hash. Whatever else stands in them does nothing.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from infra.workspace.files import paths
from infra.workspace.files.service import FilesService
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal

_FOLDER, _INDEX = "marketplace", "index.html"
SEARCH_HASH = "sha256-9qOfUUx9SUXR19oVm8VX80Xt3So3i6BzonQdrHvUKpU="
_HEADERS = {
    "content-security-policy": (
        f"sandbox allow-scripts allow-same-origin; default-src 'none'; script-src '{SEARCH_HASH}'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def marketplaces(files: FilesService, principal: Principal) -> list[str]:
    """Addresses of the front pages that the principal may read, by path."""
    fronts = [node.path for node in files.files(principal) if node.path.split("/")[-2:] == [_FOLDER, _INDEX]]
    return [_address(path) for path in sorted(fronts)]


def routes(files: FilesService) -> APIRouter:
    router = APIRouter()

    @router.get("/marketplace")
    def get_marketplace(principal: Caller) -> Response:
        found = marketplaces(files, principal)
        if not found:
            raise NotFound("there is no marketplace that you may read; its catalogue job writes the pages")
        return RedirectResponse(found[0])

    @router.get("/marketplace/{path:path}")
    def get_marketplace_page(principal: Caller, path: str) -> Response:
        place = paths.workspace_path(f"/{path}")
        if not _is_page(place):
            raise NotFound(f"{place} is no page of a marketplace")
        try:
            data = files.export_raw(principal, place, "AUTO")
        except (NotFound, PermissionDenied):
            raise NotFound(f"there is no page {place} that you may read") from None
        return Response(data, media_type="text/html; charset=utf-8", headers=_HEADERS)

    return router


def _is_page(path: str) -> bool:
    *folders, name = path.split("/")
    return _FOLDER in folders and name.endswith(".html")


def _address(path: str) -> str:
    return "/marketplace" + quote(path)
