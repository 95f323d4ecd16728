"""Git credentials and Repos."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.gateway.caller import Caller
from infra.workspace.git.service import GitService

Given = Annotated[dict[str, Any], Body()]


def routes(service: GitService) -> APIRouter:
    router = APIRouter()
    router.routes.extend(_credentials(service).routes + _repos(service).routes)
    return router


def _credentials(service: GitService) -> APIRouter:
    router, credentials = APIRouter(prefix="/api/2.0/git-credentials"), service.credentials

    @router.post("")
    def create_credentials(principal: Caller, body: Given) -> dict[str, Any]:
        return credentials.create_credentials(principal, body)

    @router.get("")
    def list_credentials(principal: Caller, principal_id: int | None = None) -> dict[str, Any]:
        return credentials.list_credentials(principal, principal_id)

    @router.get("/{credential_id}")
    def get_credentials(principal: Caller, credential_id: int, principal_id: int | None = None) -> dict[str, Any]:
        return credentials.get_credentials(principal, credential_id, principal_id)

    @router.patch("/{credential_id}")
    def update_credentials(principal: Caller, credential_id: int, body: Given) -> dict[str, Any]:
        credentials.update_credentials(principal, credential_id, body)
        return {}

    @router.delete("/{credential_id}")
    def delete_credentials(principal: Caller, credential_id: int, principal_id: int | None = None) -> dict[str, Any]:
        credentials.delete_credentials(principal, credential_id, principal_id)
        return {}

    return router


def _repos(service: GitService) -> APIRouter:
    router = APIRouter(prefix="/api/2.0/repos")

    @router.post("")
    def create_repo(principal: Caller, body: Given) -> dict[str, Any]:
        return service.create_repo(principal, body)

    @router.get("")
    def list_repos(principal: Caller, path_prefix: str | None = None) -> dict[str, Any]:
        return service.list_repos(principal, path_prefix)

    @router.get("/{repo_id}")
    def get_repo(principal: Caller, repo_id: str) -> dict[str, Any]:
        return service.get_repo(principal, repo_id)

    @router.patch("/{repo_id}")
    def update_repo(principal: Caller, repo_id: str, body: Given) -> dict[str, Any]:
        service.update_repo(principal, repo_id, body)
        return {}

    @router.delete("/{repo_id}")
    def delete_repo(principal: Caller, repo_id: str) -> dict[str, Any]:
        service.delete_repo(principal, repo_id)
        return {}

    return router
