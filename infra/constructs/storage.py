"""Storage credentials and external locations: how Unity Catalog reaches files that lie outside of its own storage."""

from dataclasses import dataclass
from typing import Any

from infra.constructs.part import Part
from infra.settings.storage import AwsRole, AzureConnector, GcpAccount, StorageCredential
from infra.synth.library import provider
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class ExternalLocationConfig:
    """A folder of object storage and the credential for it; both are of the metastore, under one name."""

    name: str
    url: str
    credential: StorageCredential
    comment: str = ""


class ExternalLocation(Part):
    """A storage credential and the external location that it opens. Output: `name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: ExternalLocationConfig) -> None:
        super().__init__(scope, name)
        credential = scope.make(
            self,
            "databricks_storage_credential",
            name,
            name=config.name,
            comment=config.comment,
            **_identity(config.credential),
        )
        location = scope.make(
            self,
            "databricks_external_location",
            name,
            name=config.name,
            url=config.url,
            credential_name=credential.name,
            comment=config.comment,
        )
        self.name: str = location.name


def _identity(credential: StorageCredential) -> dict[str, Any]:
    module = provider("storage_credential")
    match credential:
        case AwsRole():
            return {"aws_iam_role": module.StorageCredentialAwsIamRole(role_arn=credential.role_arn)}
        case AzureConnector():
            identity = module.StorageCredentialAzureManagedIdentity(
                access_connector_id=credential.access_connector_id, managed_identity_id=credential.managed_identity_id
            )
            return {"azure_managed_identity": identity}
        case GcpAccount():
            account = module.StorageCredentialDatabricksGcpServiceAccount()
            return {"databricks_gcp_service_account": account}
