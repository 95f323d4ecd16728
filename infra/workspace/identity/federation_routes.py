"""Federation policies of service principals, where Databricks' account API has them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.gateway.caller import Caller
from infra.workspace.identity.federation import Federation

Given = Annotated[dict[str, Any], Body()]
_POLICIES = "/api/2.0/accounts/{account_id}/servicePrincipals/{service_principal_id}/federationPolicies"
_POLICY = _POLICIES + "/{policy_id:path}"


def federation_routes(federation: Federation) -> APIRouter:
    router = APIRouter()

    @router.post(_POLICIES)
    def create_policy(
        principal: Caller, account_id: str, service_principal_id: str, body: Given, policy_id: str | None = None
    ) -> dict[str, Any]:
        return federation.create_policy(principal, account_id, service_principal_id, body, policy_id)

    @router.get(_POLICIES)
    def list_policies(
        principal: Caller,
        account_id: str,
        service_principal_id: str,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> dict[str, Any]:
        return federation.list_policies(principal, account_id, service_principal_id, page_size, page_token)

    @router.get(_POLICY)
    def get_policy(principal: Caller, account_id: str, service_principal_id: str, policy_id: str) -> dict[str, Any]:
        return federation.get_policy(principal, account_id, service_principal_id, policy_id)

    @router.patch(_POLICY)
    def update_policy(
        principal: Caller,
        account_id: str,
        service_principal_id: str,
        policy_id: str,
        body: Given,
        update_mask: str | None = None,
    ) -> dict[str, Any]:
        return federation.update_policy(principal, account_id, service_principal_id, policy_id, body, update_mask)

    @router.delete(_POLICY)
    def delete_policy(principal: Caller, account_id: str, service_principal_id: str, policy_id: str) -> dict[str, Any]:
        federation.delete_policy(principal, account_id, service_principal_id, policy_id)
        return {}

    return router
