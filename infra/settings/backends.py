"""Where Terraform keeps its state: one typed model a backend. Credentials are the environment's, never here."""

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.base import Strict


class LocalState(Strict):
    """State in files of this clone: for one person, a rehearsal or a demonstration."""

    type: Literal["local"]
    directory: str = Field(".branchline/state", min_length=1, description="folder, from the repository's root")


class AzureState(Strict):
    """State in an Azure storage container (locked by a blob lease)."""

    type: Literal["azurerm"]
    resource_group_name: str = Field(min_length=1, description="resource group of the storage account")
    storage_account_name: str = Field(
        pattern=r"^[a-z0-9]{3,24}$", description="storage account: 3 to 24 lower-case letters and digits"
    )
    container_name: str = Field(
        pattern=r"^[a-z0-9](-?[a-z0-9])+$", description="blob container: lower-case letters, digits, single dashes"
    )
    prefix: str = Field("branchline", min_length=1, description="folder of the state files in the container")
    use_azuread_auth: bool = Field(True, description="sign in with Microsoft Entra ID, not with an account key")
    use_oidc: bool = Field(False, description="sign in with the CI job's federated token")
    subscription_id: str | None = Field(None, description="subscription of the storage account")
    tenant_id: str | None = Field(None, description="tenant of the storage account")
    location: str | None = Field(
        None, min_length=1, description="region in which branchline bootstrap makes it, such as westeurope"
    )


class S3State(Strict):
    """State in an S3 bucket (locked by a lock file beside it, or by a DynamoDB table)."""

    type: Literal["s3"]
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="bucket name")
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="region, such as eu-central-1")
    prefix: str = Field("branchline", min_length=1, description="folder of the state files in the bucket")
    encrypt: bool = Field(True, description="server-side encryption")
    kms_key_id: str | None = Field(None, description="key for the encryption; none: the bucket's own")
    dynamodb_table: str | None = Field(None, description="lock table; none: a lock file in the bucket")


class GcsState(Strict):
    """State in a Google Cloud Storage bucket (locked by the bucket itself)."""

    type: Literal["gcs"]
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$", description="bucket name")
    prefix: str = Field("branchline", min_length=1, description="folder of the state files in the bucket")
    kms_encryption_key: str | None = Field(None, description="key for the encryption; none: Google's own")
    location: str | None = Field(
        None, min_length=1, description="region in which branchline bootstrap makes it, such as europe-west3"
    )
    project_id: str | None = Field(None, min_length=1, description="project in which branchline bootstrap makes it")


Backend = Annotated[LocalState | AzureState | S3State | GcsState, Field(discriminator="type")]
