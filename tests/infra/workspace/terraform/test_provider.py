"""The provider as a user meets it: real terraform, a real workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.workspace.launch import Running

from .conftest import Project

Make = Callable[..., Project]

EVERYTHING = Path(__file__).with_name("everything.tf").read_text(encoding="utf-8")


def leftovers(workspace: Running) -> list[str]:
    """Names of this test's objects that a listing still shows."""
    lists = {
        "/api/2.0/preview/scim/v2/ServicePrincipals": "Resources",
        "/api/2.0/preview/scim/v2/Groups": "Resources",
        "/api/2.0/secrets/scopes/list": "scopes",
        "/api/2.1/unity-catalog/catalogs": "catalogs",
        "/api/2.0/policies/clusters/list": "policies",
        "/api/2.2/jobs/list": "jobs",
    }
    found = [json.dumps(each) for path, key in lists.items() for each in workspace.call("GET", path).get(key) or []]
    return [each for each in found if "terraform-test" in each or "terraform_test" in each]


def test_the_life_of_every_kind_of_resource(project: Make, workspace: Running) -> None:
    made = project().write(EVERYTHING)
    try:
        made.apply()
        assert made.changes() == {}
        assert made.outputs()["found"] == {"principal": True, "policy": True, "job": True}

        made.environment["TF_VAR_v"] = "2"
        planned = made.changes()
        assert planned["databricks_job.training"] == ["update"]
        assert planned["databricks_secret.password"] == ["delete", "create"]
        assert "databricks_user.anna" not in planned
        before = made.state()
        made.apply()
        assert made.changes() == {}
        after = made.state()
        assert after["databricks_job.training"]["id"] == before["databricks_job.training"]["id"]
        assert not after["databricks_schema.schema"]["comment"]
    finally:
        made.destroy()
    assert leftovers(workspace) == []


IMPORTABLE = """
resource "databricks_group" "team" {
  display_name = "terraform-test-adopted"
}
resource "databricks_cluster_policy" "jobs" {
  name       = "terraform-test-adopted"
  definition = jsonencode({})
}
resource "databricks_mlflow_experiment" "experiment" {
  name = "/Shared/terraform-test-adopted"
}
resource "databricks_job" "job" {
  name = "terraform-test-adopted"
  task {
    task_key = "only"
    notebook_task {
      notebook_path = "/Shared/nowhere"
    }
    existing_cluster_id = "none"
  }
}
resource "databricks_permissions" "job" {
  job_id = databricks_job.job.id
  access_control {
    group_name       = databricks_group.team.display_name
    permission_level = "CAN_VIEW"
  }
}
"""


def test_existing_objects_are_adopted_without_a_change(project: Make) -> None:
    first = project("first").write(IMPORTABLE)
    second = project("second")
    try:
        first.apply()
        blocks = "".join(
            f'import {{\n  to = {address}\n  id = "{attributes["id"]}"\n}}\n'
            for address, attributes in first.state().items()
        )
        second.write(IMPORTABLE + blocks)
        assert second.changes() == {}
        second.apply()
        assert second.changes() == {}
    finally:
        first.destroy()
    assert len(second.changes()) == 5  # destroyed behind its back: all of it is to be made again


def test_a_change_behind_terraforms_back_shows_and_is_put_right(project: Make, workspace: Running) -> None:
    made = project().write('resource "databricks_group" "team" {\n  display_name = "terraform-test-drift"\n}\n')
    try:
        made.apply()
        path = f"/api/2.0/preview/scim/v2/Groups/{made.state()['databricks_group.team']['id']}"
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "displayName", "value": "renamed"}],
        }
        workspace.call("PATCH", path, json=patch)
        assert made.changes() == {"databricks_group.team": ["update"]}
        made.apply()
        assert workspace.call("GET", path)["displayName"] == "terraform-test-drift"
    finally:
        made.destroy()


def test_two_applies_at_once_keep_their_own_credentials(project: Make, workspace: Running) -> None:
    who = """
    data "databricks_current_user" "me" {
      count      = 30
      depends_on = [databricks_token.mine]
    }
    resource "databricks_token" "mine" {
      count            = 10
      comment          = "terraform test ${count.index}"
      lifetime_seconds = 600
    }
    output "me" {
      value = distinct(data.databricks_current_user.me[*].user_name)
    }
    """
    setup = project("setup").write(
        """
        resource "databricks_service_principal" "each" {
          for_each         = toset(["terraform-test-a", "terraform-test-b"])
          display_name     = each.key
          workspace_access = true
        }
        output "ids" {
          value = { for name, each in databricks_service_principal.each : name => each.application_id }
        }
        """
    )
    try:
        setup.apply()
        ids = setup.outputs()["ids"]
        runs = [project(name, principal=name).write(who) for name in ids]
        with ThreadPoolExecutor() as pool:
            list(pool.map(Project.apply, runs))
        assert [run.outputs()["me"] for run in runs] == [[ids[run.folder.name]] for run in runs]
        with ThreadPoolExecutor() as pool:
            list(pool.map(Project.destroy, runs))
    finally:
        setup.destroy()


def test_what_a_principal_may_not_do_is_told_in_the_words_of_the_real_provider(project: Make) -> None:
    setup = project("setup").write(
        'resource "databricks_service_principal" "low" {\n  display_name = "terraform-test-low"\n}\n'
    )
    try:
        setup.apply()
        low = project("low", principal="terraform-test-low")
        low.write('resource "databricks_catalog" "c" {\n  name = "terraform_test_forbidden"\n}\n')
        done = low.run("apply", "-auto-approve")
        assert done.returncode == 1
        assert "cannot create catalog: " in done.stderr
        assert low.environment["DATABRICKS_TOKEN"] not in done.stdout + done.stderr
    finally:
        setup.destroy()


def test_missing_and_wrong_credentials_are_told_clearly(project: Make) -> None:
    made = project().write('data "databricks_current_user" "me" {}\n')
    made.environment.pop("TF_VAR_databricks_token")
    done = made.run("plan")
    assert "no credentials for the workspace" in done.stderr
    assert "TF_VAR_databricks_token" in done.stderr
    made.environment["TF_VAR_databricks_token"] = "wrong-token"
    done = made.run("plan")
    assert "does not accept these credentials" in done.stderr
    assert "wrong-token" not in done.stdout + done.stderr


def test_mistakes_are_refused_before_anything_is_made(project: Make) -> None:
    cases = {
        'resource "databricks_group" "x" {\n  display_nam = "a"\n}': "Unsupported argument",
        'resource "databricks_group" "x" {}': "Missing required argument",
        'resource "databricks_mws_workspaces" "x" {}': 'does not support resource type\n"databricks_mws_workspaces"',
        'resource "databricks_group" "x" {\n  display_name = "admins"\n}': "exist already and cannot be managed",
        'resource "databricks_grants" "x" {\n grant {\n  principal = "a"\n  privileges = []\n }\n}': "needs one of",
        'resource "databricks_permissions" "x" {\n  job_id = "1"\n  access_control {\n    group_name = "g"\n'
        '    permission_level = "CAN_FLY"\n  }\n}': "permission_level CAN_FLY is not supported",
        'resource "databricks_workspace_file" "x" {\n  path = "/a"\n  source = "b.txt"\n}': "use abspath",
    }
    made = project()
    for hcl, complaint in cases.items():
        made.write(hcl)
        done = made.run("validate")
        assert done.returncode == 1, hcl
        assert " ".join(complaint.split()) in " ".join(done.stderr.split()), done.stderr


def test_secrets_show_in_no_output(project: Make) -> None:
    hcl = """
    resource "databricks_secret_scope" "scope" {
      name = "terraform-test-hush"
    }
    resource "databricks_secret" "password" {
      scope        = databricks_secret_scope.scope.name
      key          = "password"
      string_value = "very-secret-value"
    }
    """
    made = project().write(hcl)
    try:
        shown = made.must("apply", "-auto-approve") + made.must("show")
        assert "very-secret-value" not in shown
        assert made.environment["DATABRICKS_TOKEN"] not in shown + (made.folder / "terraform.tfstate").read_text()
    finally:
        made.destroy()
