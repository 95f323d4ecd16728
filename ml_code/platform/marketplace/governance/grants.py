"""The right to use a registered model, in Unity Catalog and in the workspace's own registry, by databricks-sdk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.iam import AccessControlRequest, AccessControlResponse

_SECURABLE = "FUNCTION"  # what Unity Catalog's permissions call a registered model
_EXECUTE = "EXECUTE"
_USING = frozenset({_EXECUTE, "ALL_PRIVILEGES"})
_APPLICATION = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


class Grants(Protocol):
    """Who was given a model itself; what comes from its schema, its owner or an administrator's role is not told."""

    def users(self, model: str) -> frozenset[str]:
        """Principals that may use the model."""
        ...

    def give(self, model: str, principal: str) -> None:
        """Lets the principal use the model; again changes nothing."""
        ...

    def take(self, model: str, principal: str) -> None:
        """Takes the right to use the model back; where there is none nothing changes."""
        ...


def grants_of(workspace: WorkspaceClient, registry: str) -> Grants:
    """The grants of a registry, unity_catalog or workspace. Raises StepError for another."""
    if registry == "unity_catalog":
        return _UnityCatalog(workspace)
    if registry == "workspace":
        return _WorkspaceRegistry(workspace)
    raise StepError(f"registry {registry!r}: expected unity_catalog or workspace")


class _UnityCatalog:
    """EXECUTE on the registered model. Schema and catalog are opened (USE) by whoever deploys them."""

    def __init__(self, workspace: WorkspaceClient) -> None:
        self._grants = workspace.grants

    def users(self, model: str) -> frozenset[str]:
        found = self._grants.get(_SECURABLE, model).privilege_assignments or []
        return frozenset(
            each.principal
            for each in found
            if each.principal and any(given.value in _USING for given in each.privileges or [])
        )

    def give(self, model: str, principal: str) -> None:
        self._change(model, principal, add=[_EXECUTE])

    def take(self, model: str, principal: str) -> None:
        self._change(model, principal, remove=sorted(_USING))

    def _change(self, model: str, principal: str, **privileges: list[str]) -> None:
        from databricks.sdk.service.catalog import PermissionsChange, Privilege

        lists: Any = {side: [Privilege(name) for name in names] for side, names in privileges.items()}
        self._grants.update(_SECURABLE, model, changes=[PermissionsChange(principal=principal, **lists)])


class _WorkspaceRegistry:
    """CAN_READ on the model. The service has no call that takes one entry away: the others are set again."""

    def __init__(self, workspace: WorkspaceClient) -> None:
        self._workspace = workspace

    def users(self, model: str) -> frozenset[str]:
        return frozenset(_name(entry) for entry in self._direct(model) if _level(entry) == "CAN_READ")

    def give(self, model: str, principal: str) -> None:
        self._workspace.permissions.update(
            "registered-models", self._id(model), access_control_list=[_entry(principal, "CAN_READ")]
        )

    def take(self, model: str, principal: str) -> None:
        entries = self._direct(model)
        left = [_again(entry) for entry in entries if not (_name(entry) == principal and _level(entry) == "CAN_READ")]
        if len(left) != len(entries):
            self._workspace.permissions.set("registered-models", self._id(model), access_control_list=left)

    def _direct(self, model: str) -> list[AccessControlResponse]:
        found = self._workspace.permissions.get("registered-models", self._id(model)).access_control_list or []
        return [entry for entry in found if _level(entry)]

    def _id(self, model: str) -> str:
        found = self._workspace.model_registry.get_model(model).registered_model_databricks
        if found is None or not found.id:
            raise StepError(f"{model}: the workspace's registry tells no id of it, so nothing can be granted on it")
        return found.id


def _level(entry: AccessControlResponse) -> str:
    """The level that was given on the object itself."""
    own = [each for each in entry.all_permissions or [] if not each.inherited and each.permission_level]
    return own[0].permission_level.value if own and own[0].permission_level else ""


def _name(entry: AccessControlResponse) -> str:
    return entry.group_name or entry.user_name or entry.service_principal_name or ""


def named(principal: str) -> dict[str, str]:
    """A principal as lists of access name it. Users are mail addresses, service principals application ids."""
    if "@" in principal:
        return {"user_name": principal}
    return {"service_principal_name" if _APPLICATION.match(principal) else "group_name": principal}


def _entry(principal: str, level: str) -> AccessControlRequest:
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    return AccessControlRequest(**named(principal), permission_level=PermissionLevel(level))


def _again(entry: AccessControlResponse) -> AccessControlRequest:
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    return AccessControlRequest(
        group_name=entry.group_name,
        user_name=entry.user_name,
        service_principal_name=entry.service_principal_name,
        permission_level=PermissionLevel(_level(entry)),
    )
