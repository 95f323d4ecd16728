"""What a destroy would take along."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource

_FLAGS = {
    "databricks_catalog": "force_destroy",
    "databricks_schema": "force_destroy",
    "databricks_external_location": "force_destroy",
    "databricks_storage_credential": "force_destroy",
    "databricks_credential": "force_destroy",
    "databricks_metastore": "force_destroy",
    "databricks_directory": "delete_recursive",
}


@check(
    "BRL_DBX_17",
    "A destroy stops at data that is to be kept",
    kinds=list(_FLAGS),
    severity=Severity.HIGH,
    advice="Leave force_destroy and delete_recursive false where the settings' storage.destroy_data is false. Whoever "
    "means to remove an environment with its data does so by hand, as docs/guides/settings.md says.",
    category=CheckCategories.BACKUP_AND_RECOVERY,
    setting="storage.destroy_data",
)
def data_is_kept(resource: Resource) -> Iterator[str]:
    """No forced destroy, unless the environment's settings file gives its data up."""
    flag = _FLAGS[resource.kind]
    if resource.value(flag) not in (None, False) and not resource.settings.values.storage.destroy_data:
        yield f"{flag} is on: destroying it would take along what is in it"
