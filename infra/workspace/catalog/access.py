"""Decides what a principal may do with a securable: privileges, ownership, and the way through what holds it."""

from __future__ import annotations

from collections.abc import Iterable

from infra.workspace.catalog import privileges
from infra.workspace.catalog.grant_store import Grants
from infra.workspace.catalog.kinds import KINDS
from infra.workspace.catalog.privileges import MANAGE, Level
from infra.workspace.catalog.securables import Securable, Securables
from infra.workspace.gateway.errors import PermissionDenied
from infra.workspace.identity.principal import Principal

_USE = {"catalog": "USE_CATALOG", "schema": "USE_SCHEMA"}


class Access:
    """Answers for the securables of one workspace; the workspace's admins are the metastore's admins."""

    def __init__(self, securables: Securables, grants: Grants, workspace_id: int) -> None:
        self._securables = securables
        self._grants = grants
        self._workspace_id = workspace_id

    def on(self, principal: Principal, securable: Securable) -> frozenset[str]:
        """The principal's privileges on the object, inherited ones included; no check of what holds it."""
        levels = [
            Level(level.kind.name, level.owner, self._grants.on(level)) for level in self._securables.lineage(securable)
        ]
        return privileges.effective(levels, principal.names, principal.admin)

    def require(self, principal: Principal, securable: Securable, *wanted: str) -> None:
        """Raises PermissionDenied, naming what is missing first, unless one of `wanted` and the way to it are there."""
        self.require_way(principal, securable)
        if self.on(principal, securable).isdisjoint(wanted):
            raise PermissionDenied(_denial(wanted[0], securable))

    def require_way(self, principal: Principal, securable: Securable) -> None:
        """Raises PermissionDenied unless the principal may use the catalog and schema that hold the object."""
        for holder in reversed(self._securables.lineage(securable)[1:]):
            self.require_use(principal, holder)

    def require_use(self, principal: Principal, holder: Securable) -> None:
        """USE CATALOG or USE SCHEMA on the object itself; who manages a container may use it."""
        self.require_bound(holder)
        use = _USE.get(holder.kind.name)
        if use and self.on(principal, holder).isdisjoint({use, MANAGE}):
            raise PermissionDenied(_denial(use, holder))

    def require_bound(self, securable: Securable) -> None:
        """An isolated catalog answers only in the workspaces that it is bound to, whoever asks."""
        if securable.kind.name != "catalog" or securable.body.get("isolation_mode") != "ISOLATED":
            return
        if not any(binding["workspace_id"] == self._workspace_id for binding in securable.body.get("bindings", [])):
            raise PermissionDenied(f"Catalog '{securable.name}' is not accessible in current workspace")

    def require_manage(self, principal: Principal, securable: Securable) -> None:
        """Owner of the object or of what holds it, or MANAGE: what renaming, dropping and granting need."""
        self.require_bound(securable)
        if MANAGE not in self.on(principal, securable):
            raise PermissionDenied(
                f"User does not own {securable.kind.label} '{securable.full_name}' and does not have MANAGE on it."
            )
        if not self.owns(principal, securable):
            self.require_way(principal, securable)

    def require_visible(self, principal: Principal, securable: Securable) -> None:
        """Raises PermissionDenied unless the principal may see the object's metadata."""
        self.require_bound(securable)
        if self.sees(principal, securable):
            return
        self.require_way(principal, securable)
        raise PermissionDenied(_denial(_SEE[securable.kind.name], securable))

    def sees(self, principal: Principal, securable: Securable) -> bool:
        """BROWSE, or any privilege on the object together with the way to it."""
        found = self.on(principal, securable)
        if "BROWSE" in found or (MANAGE in found and self.owns(principal, securable)):
            return True
        try:
            self.require_way(principal, securable)
        except PermissionDenied:
            return False
        return bool(found)

    def visible(self, principal: Principal, securables: Iterable[Securable]) -> list[Securable]:
        """Those that the principal may see, for lists."""
        return [securable for securable in securables if self._bound(securable) and self.sees(principal, securable)]

    def owns(self, principal: Principal, securable: Securable) -> bool:
        return principal.admin or securable.owner in principal.names

    def _bound(self, securable: Securable) -> bool:
        try:
            self.require_bound(securable)
        except PermissionDenied:
            return False
        return True


_SEE = {
    **_USE,
    "metastore": "CREATE_CATALOG",
    "table": "SELECT",
    "volume": "READ_VOLUME",
    "function": "EXECUTE",
    "external_location": "BROWSE",
    "storage_credential": "READ_FILES",
}


def _denial(privilege: str, securable: Securable) -> str:
    label = KINDS[securable.kind.name].label
    return f"User does not have {privilege.replace('_', ' ')} on {label} '{securable.full_name}'."
