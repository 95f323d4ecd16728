"""Grants that give too much, or to too many."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.principals import EVERYBODY
from infra.policies.resource import Block, Resource

_EVERYTHING = frozenset({"ALL PRIVILEGES", "*"})
_BLOCKS = {"databricks_grants": "grant", "databricks_sql_permissions": "privilege_assignments"}


@check(
    "BRL_DBX_11",
    "No grant to everybody, and in production none of everything",
    kinds=["databricks_grants", "databricks_grant", "databricks_sql_permissions", "databricks_permissions"],
    severity=Severity.HIGH,
    advice="Name the privileges that are needed, and the group or service principal that needs them.",
    category=CheckCategories.IAM,
    setting="permissions",
)
def broad_grant(resource: Resource) -> Iterator[str]:
    """No group that everybody is in; in production no ALL PRIVILEGES."""
    if resource.kind == "databricks_permissions":
        for entry in resource.blocks("access_control"):
            if _is_everybody(entry.value("group_name")):
                yield f"gives {entry.value('permission_level')} to everybody ({entry.value('group_name')})"
        return
    for grant in _grants(resource):
        principal = grant.value("principal")
        if _is_everybody(principal):
            yield f"grants to everybody ({principal})"
        given = {str(privilege).upper().replace("_", " ") for privilege in grant.values("privileges")}
        if resource.in_production and given & _EVERYTHING:
            yield f"grants everything to {principal}"


def _grants(resource: Resource) -> list[Block]:
    nested = _BLOCKS.get(resource.kind)
    return resource.blocks(nested) if nested else [resource]


def _is_everybody(name: object) -> bool:
    return isinstance(name, str) and name.strip().lower() in EVERYBODY
