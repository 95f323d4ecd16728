"""Who may do what with a model at its origin, as the workspace tells: for the manifest, to be read by people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.export.snapshot import Permissions

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

# Unity Catalog's grants call knows registered models by this type.
_SECURABLE = "function"


def permissions_at(workspace: WorkspaceClient, registry: str) -> Permissions:
    """Reads a model's permissions, once each: Unity Catalog's grants, or the workspace registry's access list."""
    read = _grants if registry == "unity_catalog" else _access_list

    @cache
    def permissions(model: str) -> tuple[Mapping[str, Any], ...]:
        from databricks.sdk.errors.base import DatabricksError

        try:
            return tuple(sorted(read(workspace, model), key=lambda each: str(each["principal"])))
        except DatabricksError as error:
            raise StepError(f"{error.error_code or type(error).__name__}: {error}") from None

    return permissions


def _grants(workspace: WorkspaceClient, model: str) -> list[dict[str, Any]]:
    assignments = workspace.grants.get(_SECURABLE, model).privilege_assignments or []
    return [
        {"principal": each.principal or "", "levels": sorted(privilege.value for privilege in each.privileges or [])}
        for each in assignments
    ]


def _access_list(workspace: WorkspaceClient, model: str) -> list[dict[str, Any]]:
    found = workspace.model_registry.get_model(model).registered_model_databricks
    entries = workspace.permissions.get("registered-models", str(found.id) if found else "").access_control_list or []
    return [
        {
            "principal": each.group_name or each.service_principal_name or each.user_name or "",
            "levels": sorted(
                str(held.permission_level.value) for held in each.all_permissions or [] if held.permission_level
            ),
        }
        for each in entries
    ]
