"""databricks_dashboard in the local provider, step by step as the real provider does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from infra.workspace.launch import Running

from .conftest import Project

API = "/api/2.0/lakeview/dashboards"
DASHBOARDS = """
variable "v" {
  default = 1
}
variable "file" {
  default = null
}
resource "databricks_sql_endpoint" "small" {
  name         = "terraform-test-dashboards"
  cluster_size = "2X-Small"
}
resource "databricks_dashboard" "text" {
  display_name         = "Terraform test ${var.v}"
  parent_path          = "/Workspace/terraform-test-dashboards/new"
  warehouse_id         = databricks_sql_endpoint.small.id
  embed_credentials    = var.v == 1
  serialized_dashboard = jsonencode({ pages = [{ name = "p", displayName = "Page ${var.v}" }] })
}
resource "databricks_dashboard" "file" {
  display_name = "Terraform test of a file"
  parent_path  = "/terraform-test-dashboards/new"
  warehouse_id = databricks_sql_endpoint.small.id
  file_path    = var.file
}
resource "databricks_permissions" "text" {
  dashboard_id = databricks_dashboard.text.id
  access_control {
    group_name       = "users"
    permission_level = "CAN_READ"
  }
}
"""


def test_the_life_of_a_dashboard(project: Callable[..., Project], workspace: Running, tmp_path: Path) -> None:
    file = tmp_path / "file.lvdash.json"
    file.write_text('{"pages": []}', encoding="utf-8")
    made = project(TF_VAR_file=str(file)).write(DASHBOARDS)
    try:
        made.apply()
        assert made.changes() == {}
        first = made.state()["databricks_dashboard.text"]
        assert first["path"] == "/terraform-test-dashboards/new/Terraform test 1.lvdash.json"
        assert published(workspace, first["id"])["embed_credentials"] is True

        made.environment["TF_VAR_v"] = "2"
        file.write_text('{"pages": [], "datasets": []}', encoding="utf-8")
        assert made.changes() == {"databricks_dashboard.text": ["update"], "databricks_dashboard.file": ["update"]}
        made.apply()
        assert made.changes() == {}
        again = published(workspace, first["id"])
        assert (again["display_name"], again["embed_credentials"]) == ("Terraform test 2", False)

        draft = {"serialized_dashboard": json.dumps({"pages": []})}
        workspace.call("PATCH", f"{API}/{first['id']}", json=draft)
        assert made.changes() == {"databricks_dashboard.text": ["update"]}
        made.apply()
        assert made.changes() == {}
        assert "Page 2" in workspace.call("GET", f"{API}/{first['id']}")["serialized_dashboard"]

        workspace.call("DELETE", f"{API}/{first['id']}")
        assert made.changes()["databricks_dashboard.text"] == ["create"]
        made.apply()
        second = made.state()["databricks_dashboard.text"]["id"]
        made.must("state", "rm", "databricks_dashboard.text")
        made.must("import", "databricks_dashboard.text", second)
        assert made.changes() == {"databricks_dashboard.text": ["update"]}  # what was given is not to be read back
        made.apply()
        assert made.changes() == {}
    finally:
        made.destroy()
        workspace.call(
            "POST", "/api/2.0/workspace/delete", json={"path": "/terraform-test-dashboards", "recursive": True}
        )
    assert workspace.call("GET", f"{API}/{second}")["lifecycle_state"] == "TRASHED"


def test_a_dashboard_that_cannot_be_published_does_not_stay(
    project: Callable[..., Project], workspace: Running
) -> None:
    made = project().write(
        """
        resource "databricks_dashboard" "d" {
          display_name = "terraform-test-unpublished"
          parent_path  = "/Shared"
          warehouse_id = "nowhere"
        }
        """
    )
    done = made.run("apply", "-auto-approve")
    assert "cannot create dashboard: SQL warehouse nowhere does not exist." in " ".join(done.stderr.split())
    listed = workspace.call("GET", f"{API}?page_size=1000")["dashboards"]
    assert "terraform-test-unpublished" not in {each["display_name"] for each in listed}


def published(workspace: Running, id: str) -> dict[str, object]:
    found: dict[str, object] = workspace.call("GET", f"{API}/{id}/published")
    return found
