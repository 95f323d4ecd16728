"""Storage credentials and external locations by the real terraform."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.workspace.launch import Running
from tests.infra.workspace.terraform.conftest import Project

_ROLE = """aws_iam_role {
    role_arn = "arn:aws:iam::123456789012:role/models"
  }"""
_IDENTITY = """azure_managed_identity {
    access_connector_id = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Databricks/accessConnectors/c"
  }"""


def _project(identity: str, url: str, comment: str) -> str:
    return f"""
resource "databricks_storage_credential" "models" {{
  name    = "models"
  comment = "{comment}"
  {identity}
}}
resource "databricks_external_location" "models" {{
  name            = "models"
  url             = "{url}"
  credential_name = databricks_storage_credential.models.name
  comment         = "{comment}"
}}
resource "databricks_grant" "models" {{
  external_location = databricks_external_location.models.name
  principal         = "account users"
  privileges        = ["READ_FILES", "WRITE_FILES"]
}}
"""


@pytest.mark.parametrize(
    ("identity", "url", "other"),
    [
        (_ROLE, "s3://models/archive", "s3://models/elsewhere"),
        (_IDENTITY, "abfss://models@store.dfs.core.windows.net/a", "abfss://models@store.dfs.core.windows.net/b"),
        ("databricks_gcp_service_account {}", "gs://models/archive", "gs://models/elsewhere"),
    ],
    ids=["aws", "azure", "gcp"],
)
def test_they_are_made_changed_imported_and_removed(
    workspace: Running, project: Callable[..., Project], identity: str, url: str, other: str
) -> None:
    here = project().write(_project(identity, url, "the archive"))
    here.apply()
    assert here.changes() == {}
    found = workspace.call("GET", "/api/2.1/unity-catalog/external-locations/models")
    assert (found["url"], found["credential_name"]) == (url, "models")
    here.write(_project(identity, other, "moved"))
    assert set(here.changes()) == {"databricks_storage_credential.models", "databricks_external_location.models"}
    here.apply()
    assert here.changes() == {}
    assert workspace.call("GET", "/api/2.1/unity-catalog/external-locations/models")["url"] == other
    here.destroy()
    left = workspace.call("GET", "/api/2.1/unity-catalog/storage-credentials")
    assert left.get("storage_credentials", []) == []
