"""Storage credentials and external locations of Unity Catalog."""

from infra.workspace.terraform.families.catalog import Securable
from infra.workspace.terraform.resource import resource
from infra.workspace.terraform.session import Json

_HOW = frozenset({"id", "force_destroy", "force_update", "skip_validation"})
"""What tells the provider how to go about it, and is no property of the object."""


class _OfMetastore(Securable):
    """An object of the metastore itself, which is known by its name alone."""

    forced = True

    def identifier(self, answer: Json) -> str:
        return str(answer["name"])


@resource("databricks_storage_credential")
class StorageCredential(_OfMetastore):
    path = "storage-credentials"
    _identities = ("aws_iam_role", "azure_managed_identity", "databricks_gcp_service_account")
    creates = ("name", "comment", "read_only", "isolation_mode", *_identities)
    updates = ("name", "comment", "read_only", "isolation_mode", *_identities)
    local = _HOW | {"azure_service_principal", "cloudflare_api_token", "gcp_service_account_key"}


@resource("databricks_external_location")
class ExternalLocation(_OfMetastore):
    path = "external-locations"
    creates = ("name", "url", "credential_name", "comment", "read_only", "isolation_mode", "fallback")
    updates = ("name", "url", "credential_name", "comment", "read_only", "isolation_mode", "fallback")
    local = _HOW | {"access_point", "encryption_details", "file_event_queue"}
