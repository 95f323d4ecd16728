"""Who may change production."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.principals import is_service_principal
from infra.policies.resource import Block, Resource

_MANAGING = frozenset(
    {"CAN_MANAGE", "IS_OWNER", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE_STAGING_VERSIONS"},
)


@check(
    "BRL_DBX_12",
    "People manage nothing in production",
    kinds=["databricks_permissions", "databricks_grants", "databricks_grant"],
    severity=Severity.HIGH,
    advice="Give people view or run levels in production (settings: permissions); what changes it is the release line, "
    "as its service principal.",
    category=CheckCategories.IAM,
    setting="permissions",
)
def people_manage_nothing(resource: Resource) -> Iterator[str]:
    """No managing level and no MANAGE privilege for a group or a user."""
    if not resource.in_production:
        return
    for entry in resource.blocks("access_control"):
        level, who = entry.value("permission_level"), entry.value("group_name") or entry.value("user_name")
        if who and level in _MANAGING:
            yield f"{who} has {level}"
    grants: list[Block] = resource.blocks("grant") if resource.kind == "databricks_grants" else [resource]
    for grant in grants:
        principal = grant.value("principal")
        if principal and "MANAGE" in grant.values("privileges") and not is_service_principal(principal):
            yield f"{principal} has MANAGE"
