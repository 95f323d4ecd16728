"""Who may read and give away secrets."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.principals import EVERYBODY, is_service_principal
from infra.policies.resource import Resource


@check(
    "BRL_DBX_18",
    "Secret scopes are open to those who need them alone",
    kinds=["databricks_secret_scope", "databricks_secret_acl"],
    severity=Severity.HIGH,
    advice="Give MANAGE to no group of people, and nothing to everybody; leave initial_manage_principal unset.",
    category=CheckCategories.SECRETS,
)
def secret_scope_access(resource: Resource) -> Iterator[str]:
    """Nothing for everybody, MANAGE for service principals alone."""
    if resource.kind == "databricks_secret_scope":
        if manager := resource.value("initial_manage_principal"):
            yield f"everybody may manage it (initial_manage_principal is {manager})"
        return
    principal, permission = resource.value("principal"), resource.value("permission")
    if str(principal).strip().lower() in EVERYBODY:
        yield f"gives {permission} to everybody ({principal})"
    elif permission == "MANAGE" and not is_service_principal(principal):
        yield f"gives MANAGE to {principal}"
