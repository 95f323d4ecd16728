"""Each family of resources: what it makes, and what it refuses."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.constructs.catalog import (
    Catalog,
    CatalogConfig,
    RegisteredModel,
    RegisteredModelConfig,
    Volume,
    VolumeConfig,
)
from infra.constructs.compute import ClusterPolicy, ClusterPolicyConfig
from infra.constructs.experiment import Experiment, ExperimentConfig
from infra.constructs.git_credential import GitCredential, GitCredentialConfig
from infra.constructs.identity import Group, GroupConfig, ServicePrincipal, ServicePrincipalConfig
from infra.constructs.permissions import Entry, Level, Permissions, PermissionsConfig
from infra.constructs.repo import Repo, RepoConfig
from infra.constructs.secrets import SecretScope, SecretScopeConfig
from infra.constructs.tags import REQUIRED, MissingTags
from infra.synth.stack import EnvironmentStack

Synthesize = Callable[[], dict[str, Any]]
TAGS = dict.fromkeys(REQUIRED, "x")


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_tag_fails_at_construction(stack: EnvironmentStack, missing: str) -> None:
    tags = {key: value for key, value in TAGS.items() if key != missing}
    with pytest.raises(MissingTags, match=f"catalog sales: missing tags {missing}"):
        Catalog(stack, "catalog", CatalogConfig(name="sales", tags=tags))
    with pytest.raises(MissingTags, match=missing):
        Experiment(stack, "experiment", ExperimentConfig("/Shared/x", {**tags, missing: " "}))


def test_a_service_principal_enters_the_workspace_and_makes_no_clusters(
    stack: EnvironmentStack, synthesize: Synthesize
) -> None:
    principal = ServicePrincipal(stack, "jobs", ServicePrincipalConfig("branchline-x"))
    resources = synthesize()["resource"]
    assert resources["databricks_service_principal"]["jobs"]["display_name"] == "branchline-x"
    entitlements = resources["databricks_entitlements"]["jobs"]
    assert entitlements["workspace_access"] is True
    assert entitlements["allow_cluster_create"] is False
    assert entitlements["allow_instance_pool_create"] is False
    assert isinstance(principal.application_id, str)


def test_members_of_a_group_are_found_by_user_name(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    Group(stack, "team", GroupConfig("the-team", ("b@example.com", "a@example.com")))
    found = synthesize()
    users = found["data"]["databricks_user"]
    assert [user["user_name"] for user in users.values()] == ["a@example.com", "b@example.com"]
    members = found["resource"]["databricks_group_member"]
    assert {m["group_id"] for m in members.values()} == {"${databricks_group.team.id}"}
    assert {m["member_id"] for m in members.values()} == {f"${{data.databricks_user.{name}.id}}" for name in users}


def test_grants_name_each_principal_once_and_are_left_out_when_empty(
    stack: EnvironmentStack, synthesize: Synthesize
) -> None:
    Volume(stack, "files", VolumeConfig("c", "s", "v", privileges={"a": ["WRITE_VOLUME", "READ_VOLUME"], "b": []}))
    RegisteredModel(stack, "model", RegisteredModelConfig("c", "s", "m", privileges={"b": []}))
    resources = synthesize()["resource"]
    assert set(resources["databricks_grants"]) == {"files"}
    assert resources["databricks_grants"]["files"]["grant"] == [
        {"principal": "a", "privileges": ["READ_VOLUME", "WRITE_VOLUME"]}
    ]
    assert resources["databricks_grants"]["files"]["volume"] == "${databricks_volume.files.id}"
    assert resources["databricks_registered_model"]["model"]["lifecycle"]["ignore_changes"] == ["aliases"]


def test_the_policy_allows_single_user_job_clusters_alone(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    config = ClusterPolicyConfig("p", "16.4.x-scala2.12", ("small", "big"), 3, {**TAGS, "expires": "2026-01-01"})
    ClusterPolicy(stack, "jobs", config)
    rules = json.loads(synthesize()["resource"]["databricks_cluster_policy"]["jobs"]["definition"])
    assert rules["cluster_type"] == {"type": "fixed", "value": "job"}
    assert rules["data_security_mode"] == {"type": "fixed", "value": "SINGLE_USER"}
    assert rules["node_type_id"]["values"] == ["small", "big"]
    assert rules["num_workers"]["maxValue"] == rules["autoscale.max_workers"]["maxValue"] == 3
    assert rules["custom_tags.cost_center"] == {"type": "fixed", "value": "x"}
    assert "custom_tags.branch" not in rules, "copies share the policy and have their own branch"
    assert "custom_tags.expires" not in rules


def test_secret_scopes_hold_no_values(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    SecretScope(stack, "secrets", SecretScopeConfig("prod-x")).allow("reader", "app-id", "READ")
    resources = synthesize()["resource"]
    assert resources["databricks_secret_acl"]["reader"]["permission"] == "READ"
    assert "databricks_secret" not in resources


def test_permission_levels_must_fit_the_object(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    Permissions(stack, "job", PermissionsConfig("job_id", "1", [Entry(Level.CAN_VIEW, group="g")]))
    found = synthesize()["resource"]["databricks_permissions"]["job"]
    assert found["access_control"] == [{"group_name": "g", "permission_level": "CAN_VIEW"}]
    with pytest.raises(
        ValueError, match="experiment_id has no level CAN_VIEW; known are CAN_EDIT, CAN_MANAGE, CAN_READ"
    ):
        PermissionsConfig("experiment_id", "1", [Entry(Level.CAN_VIEW, group="g")])
    with pytest.raises(ValueError, match="either a group or a service principal"):
        Entry(Level.CAN_VIEW, group="g", service_principal="s")
    with pytest.raises(ValueError, match="at least one entry"):
        Permissions(stack, "none", PermissionsConfig("job_id", "1", []))


def test_a_git_token_is_a_sensitive_variable_and_never_a_value(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    GitCredential(stack, "git", GitCredentialConfig("azureDevOpsServices", "token", "me@example.com"))
    found = synthesize()
    assert found["resource"]["databricks_git_credential"]["git"] | {"//": 0} == {
        "//": 0,
        "git_provider": "azureDevOpsServices",
        "git_username": "me@example.com",
        "personal_access_token": "${var.git_token}",
    }
    assert found["variable"]["git_token"]["sensitive"] is True
    assert found["variable"]["git_token"]["default"] is None


def test_azure_repos_with_entra_needs_no_token(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    GitCredential(stack, "git", GitCredentialConfig("azureDevOpsServices", "entra"))
    found = synthesize()
    credential = found["resource"]["databricks_git_credential"]["git"]
    assert credential["git_provider"] == "azureDevOpsServicesAad"
    assert "personal_access_token" not in credential
    assert "git_token" not in found["variable"]


def test_git_credentials_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="azureDevOpsServices alone, not to gitHub"):
        GitCredentialConfig("gitHub", "entra")
    with pytest.raises(ValueError, match="needs the user name"):
        GitCredentialConfig("azureDevOpsServices", "token")


def test_a_repo_is_checked_out_at_its_branch(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    Repo(stack, "code", RepoConfig("https://example.com/r.git", "gitHub", "/Repos/team/code", "main"))
    repo = synthesize()["resource"]["databricks_repo"]["code"]
    assert (repo["url"], repo["branch"], repo["path"]) == ("https://example.com/r.git", "main", "/Repos/team/code")
