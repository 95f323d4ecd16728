"""What a stack looks up that another one made."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_20",
    "A stack finds the service principal, policy and warehouse of its own environment",
    kinds=["databricks_service_principal", "databricks_cluster_policy", "databricks_sql_warehouse"],
    block_types=["data"],
    severity=Severity.HIGH,
    advice="Look them up by the settings' names: with another environment's service principal its jobs read and write "
    "there.",
    category=CheckCategories.IAM,
    setting="service_principal",
)
def found_objects_of_environment(source: Resource) -> Iterator[str]:
    """Looked up by name, and the name is the settings'."""
    settings = source.settings
    if source.kind == "databricks_service_principal":
        argument, expected = "display_name", settings.values.service_principal
    elif source.kind == "databricks_cluster_policy":
        argument, expected = "name", settings.policy_name
    else:
        argument, expected = "name", settings.warehouse_name
    found = source.value(argument)
    if found is None:
        used = ", ".join(sorted(source.names())) or "nothing"
        yield f"is looked up by {used}: only by {argument} can it be told whose it is"
    elif found != expected:
        yield f"is '{found}', expected '{expected}'"
