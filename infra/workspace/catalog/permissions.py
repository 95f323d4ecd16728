"""Unity Catalog's permissions calls: who was given what on an object, and what that amounts to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.workspace.catalog import privileges
from infra.workspace.catalog.core import Core
from infra.workspace.catalog.kinds import kind_of
from infra.workspace.catalog.securables import Securable
from infra.workspace.gateway.errors import BadRequest
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]


class PermissionsService:
    """Reads and changes grants."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def get_permissions(
        self, principal: Principal, securable_type: str, full_name: str, of: str | None = None
    ) -> dict[str, Any]:
        """The grants on the object itself; those who do not manage it see only their own."""
        securable = self._core.securables.get(kind_of(securable_type), full_name)
        return {"privilege_assignments": self._assignments(principal, securable, of)}

    def update_permissions(
        self, principal: Principal, securable_type: str, full_name: str, body: Body
    ) -> dict[str, Any]:
        """Adds and removes privileges; all changes or none."""
        core = self._core
        kind = kind_of(securable_type)
        securable = core.securables.get(kind, full_name)
        self._require_grantor(principal, securable)
        with core.store.write():
            for change in body.get("changes") or []:
                name = str(change.get("principal") or "")
                if not name:
                    raise BadRequest("every change needs a principal")
                add = [privileges.normalise(each, kind, securable.full_name) for each in change.get("add") or []]
                remove = [privileges.normalise(each, kind, securable.full_name) for each in change.get("remove") or []]
                if add:
                    core.check_principal(name)
                core.grants.change(securable, name, add, remove)
        return {"privilege_assignments": self._assignments(principal, securable, None)}

    def get_effective_permissions(
        self, principal: Principal, securable_type: str, full_name: str, of: str | None = None
    ) -> dict[str, Any]:
        """Privileges with where they come from: the object itself or what holds it."""
        core = self._core
        securable = core.securables.get(kind_of(securable_type), full_name)
        core.access.require_visible(principal, securable)
        everybody = self._manages(principal, securable)
        found: dict[str, dict[tuple[str, str], Securable]] = {}
        applicable = privileges.APPLICABLE[securable.kind.name] | {"BROWSE"}
        for level in core.securables.lineage(securable):
            if level.kind.name == "metastore" and securable.kind.name != "metastore":
                continue
            for name, given in core.grants.on(level).items():
                for privilege in sorted(given & applicable):
                    found.setdefault(name, {})[(privilege, level.id)] = level
        return {
            "privilege_assignments": [
                {
                    "principal": name,
                    "privileges": [
                        self._effective(privilege, level, securable) for (privilege, _), level in given.items()
                    ],
                }
                for name, given in found.items()
                if (of is None or name == of) and (everybody or name in principal.names)
            ]
        }

    def _effective(self, privilege: str, level: Securable, securable: Securable) -> dict[str, Any]:
        if level.id == securable.id:
            return {"privilege": privilege}
        return {
            "privilege": privilege,
            "inherited_from_type": level.kind.name.upper(),
            "inherited_from_name": level.full_name,
        }

    def _assignments(self, principal: Principal, securable: Securable, of: str | None) -> list[dict[str, Any]]:
        everybody = self._manages(principal, securable)
        if not everybody:
            self._core.access.require_visible(principal, securable)
        return [
            {"principal": name, "privileges": sorted(given)}
            for name, given in self._core.grants.on(securable).items()
            if given and (of is None or name == of) and (everybody or name in principal.names)
        ]

    def _require_grantor(self, principal: Principal, securable: Securable) -> None:
        if securable.kind.name != "metastore" or not self._manages(principal, securable):
            self._core.access.require_manage(principal, securable)

    def _manages(self, principal: Principal, securable: Securable) -> bool:
        if securable.kind.name == "metastore":
            return self._core.access.owns(principal, securable)
        return privileges.MANAGE in self._core.access.on(principal, securable)
