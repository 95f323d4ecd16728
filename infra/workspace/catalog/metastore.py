"""The workspace's one metastore, and which catalogs are bound to which workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.workspace.catalog.core import Core, told
from infra.workspace.catalog.kinds import KINDS
from infra.workspace.catalog.securables import Securable
from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]
_READ_WRITE, _READ_ONLY = "BINDING_TYPE_READ_WRITE", "BINDING_TYPE_READ_ONLY"


class MetastoreService:
    """Answers about the metastore; anybody of the workspace may ask."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def current_assignment(self, principal: Principal) -> dict[str, Any]:
        return {
            "workspace_id": self._core.workspace_id,
            "metastore_id": self._core.metastore_id,
            "default_catalog_name": self._core.securables.metastore.body.get("default_catalog_name", "main"),
        }

    def summary(self, principal: Principal) -> dict[str, Any]:
        metastore = self._core.securables.metastore
        return told(
            {
                "metastore_id": metastore.id,
                "name": metastore.name,
                "global_metastore_id": f"local:local:{metastore.id}",
                "cloud": "local",
                "region": "local",
                "privilege_model_version": "1.0",
                "delta_sharing_scope": "INTERNAL",
                "external_access_enabled": True,
                **metastore.audit(),
            }
        )

    def list_metastores(self, principal: Principal) -> dict[str, Any]:
        return {"metastores": [self.summary(principal)]}

    def get_metastore(self, principal: Principal, id: str) -> dict[str, Any]:
        self._core.securables.get(KINDS["metastore"], id)
        return self.summary(principal)

    def get_bindings(self, principal: Principal, securable_type: str, name: str) -> dict[str, Any]:
        catalog = self._catalog(securable_type, name)
        self._core.access.require_manage(principal, catalog)
        return {"bindings": catalog.body.get("bindings", [])}

    def update_bindings(self, principal: Principal, securable_type: str, name: str, body: Body) -> dict[str, Any]:
        """Adds and removes bindings of a catalog to workspaces."""
        catalog = self._catalog(securable_type, name)
        self._require_owner(principal, catalog)
        bindings = {int(each["workspace_id"]): each for each in catalog.body.get("bindings", [])}
        for each in body.get("remove") or []:
            bindings.pop(int(each["workspace_id"]), None)
        for each in body.get("add") or []:
            kind = each.get("binding_type") or _READ_WRITE
            if kind not in (_READ_WRITE, _READ_ONLY):
                raise BadRequest(f"binding_type must be {_READ_WRITE} or {_READ_ONLY}")
            bindings[int(each["workspace_id"])] = {"workspace_id": int(each["workspace_id"]), "binding_type": kind}
        changed = self._core.securables.change(catalog, principal, body={"bindings": list(bindings.values())})
        return {"bindings": changed.body["bindings"]}

    def get_workspaces(self, principal: Principal, name: str) -> dict[str, Any]:
        """The older form of `get_bindings`: workspace ids alone."""
        bindings = self.get_bindings(principal, "catalog", name)["bindings"]
        return {"workspaces": [each["workspace_id"] for each in bindings]}

    def update_workspaces(self, principal: Principal, name: str, body: Body) -> dict[str, Any]:
        changes = {
            "add": [{"workspace_id": id} for id in body.get("assign_workspaces") or []],
            "remove": [{"workspace_id": id} for id in body.get("unassign_workspaces") or []],
        }
        bindings = self.update_bindings(principal, "catalog", name, changes)["bindings"]
        return {"workspaces": [each["workspace_id"] for each in bindings]}

    def _catalog(self, securable_type: str, name: str) -> Securable:
        if securable_type.lower() != "catalog":
            raise NotSupported(f"workspace bindings of a {securable_type}")
        return self._core.securables.get(KINDS["catalog"], name)

    def _require_owner(self, principal: Principal, catalog: Securable) -> None:
        """An unbound catalog can still be bound by who owns it, or nobody ever could again."""
        if not self._core.access.owns(principal, catalog):
            self._core.access.require_manage(principal, catalog)
