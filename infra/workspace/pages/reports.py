"""Reports: HTML files that jobs have put below a folder named `reports` of the workspace tree."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from infra.workspace.files import paths
from infra.workspace.files.service import FilesService
from infra.workspace.files.tree import Node
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotFound
from infra.workspace.identity.principal import Principal

_FOLDER = "reports"
_HEADERS = {
    # A stored page must not act with the login of whoever opens it: no scripts, no requests, an origin of its own.
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Report:
    """One report; `modified_at` in milliseconds since the epoch."""

    path: str
    modified_at: int

    @property
    def address(self) -> str:
        return "/reports" + quote(self.path)


def reports(files: FilesService, principal: Principal) -> list[Report]:
    """The reports that the principal may read, by path."""
    found = [Report(node.path, node.modified_at) for node in files.files(principal) if _is_report(node)]
    return sorted(found, key=lambda report: report.path)


def routes(files: FilesService) -> APIRouter:
    router = APIRouter()

    @router.get("/reports/{path:path}")
    def get_report(principal: Caller, path: str) -> Response:
        place = paths.workspace_path(f"/{path}")
        if not any(report.path == place for report in reports(files, principal)):
            raise NotFound(f"there is no report {place} that you may read")
        data = files.export_raw(principal, place, "AUTO")
        return Response(data, media_type="text/html; charset=utf-8", headers=_HEADERS)

    return router


def _is_report(node: Node) -> bool:
    folders = node.path.split("/")[:-1]
    return _FOLDER in folders and node.path.lower().endswith((".html", ".htm"))
