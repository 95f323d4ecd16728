"""Storage credentials of each cloud, and grants beside those of others."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.constructs.catalog import grant_beside
from infra.constructs.identity import ServicePrincipal, ServicePrincipalConfig
from infra.constructs.storage import ExternalLocation, ExternalLocationConfig
from infra.settings.storage import AwsRole, AzureConnector, GcpAccount, StorageCredential
from infra.synth.stack import WorkspaceStack

Synthesize = Callable[[], dict[str, Any]]
CONNECTOR = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Databricks/accessConnectors/c"
ROLE = "arn:aws:iam::123456789012:role/models"


@pytest.mark.parametrize(
    ("credential", "block", "expected"),
    [
        (AwsRole(type="aws", role_arn=ROLE), "aws_iam_role", {"role_arn": ROLE}),
        (
            AzureConnector(type="azure", access_connector_id=CONNECTOR),
            "azure_managed_identity",
            {"access_connector_id": CONNECTOR},
        ),
        (GcpAccount(type="gcp"), "databricks_gcp_service_account", {}),
    ],
)
def test_a_location_is_opened_by_its_credential(
    stack: WorkspaceStack, synthesize: Synthesize, credential: StorageCredential, block: str, expected: dict[str, str]
) -> None:
    location = ExternalLocation(stack, "archive", ExternalLocationConfig("models", "s3://models/archive", credential))
    grant_beside(stack, stack, "external_location", "archive", location.name, {"a": ["WRITE_FILES"], "b": ["BROWSE"]})
    made = synthesize()["resource"]
    assert made["databricks_storage_credential"]["archive"][block] == expected
    assert made["databricks_external_location"]["archive"]["credential_name"] == (
        "${databricks_storage_credential.archive.name}"
    )
    given = {body["principal"]: body["privileges"] for body in made["databricks_grant"].values()}
    assert given == {"a": ["WRITE_FILES"], "b": ["BROWSE"]}
    assert set(made["databricks_grant"]) == {"archive", "archive_2"}


def test_a_service_principal_joins_groups_that_it_does_not_make(stack: WorkspaceStack, synthesize: Synthesize) -> None:
    principal = ServicePrincipal(stack, "runner", ServicePrincipalConfig("runner"))
    principal.join("group", ["readers", "admins"])
    found = synthesize()
    assert [each["display_name"] for each in found["data"]["databricks_group"].values()] == ["admins", "readers"]
    assert "databricks_group" not in found["resource"]
    assert len(found["resource"]["databricks_group_member"]) == 2
