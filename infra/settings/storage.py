"""Storage credentials of Unity Catalog: as whom Databricks reaches a bucket or a container."""

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.base import Strict


class AwsRole(Strict):
    """An IAM role that trusts Databricks."""

    type: Literal["aws"]
    role_arn: str = Field(pattern=r"^arn:aws[\w-]*:iam::\d{12}:role/\S+$", description="ARN of the role")


class AzureConnector(Strict):
    """An access connector with a managed identity."""

    type: Literal["azure"]
    access_connector_id: str = Field(pattern=r"^/subscriptions/\S+$", description="resource id of the access connector")
    managed_identity_id: str | None = Field(
        None, pattern=r"^/subscriptions/\S+$", description="a user-assigned identity; null: the connector's own"
    )


class GcpAccount(Strict):
    """A service account that Databricks makes; its mail address is given rights on the bucket afterwards."""

    type: Literal["gcp"]


StorageCredential = Annotated[AwsRole | AzureConnector | GcpAccount, Field(discriminator="type")]
