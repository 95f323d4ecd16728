"""What every stack has: provider, variables, backend, addresses, adoption."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.settings import Settings, load_settings
from infra.settings.backends import AzureState, Backend, GcsState, S3State
from infra.settings.environment import Workspace
from infra.synth.app import make_app
from infra.synth.stack import EnvironmentStack

PROD = load_settings("prod")


def with_values(**values: Any) -> Settings:
    return PROD.model_copy(update={"values": PROD.values.model_copy(update=values)})


def synthesize(folder: Path, settings: Settings = PROD) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    app = make_app(folder / "out")
    stack = EnvironmentStack(app, "prod", settings, root=folder)
    stack.make(stack, "databricks_catalog", "catalog", name="prod")
    app.synth()
    found: dict[str, Any] = json.loads((folder / "out" / "stacks" / "prod" / "cdk.tf.json").read_text())
    return found


def test_credentials_are_ephemeral_and_may_stay_null(tmp_path: Path) -> None:
    variables = synthesize(tmp_path)["variable"]
    assert set(variables) == {
        "databricks_host",
        "databricks_token",
        "databricks_client_id",
        "databricks_client_secret",
    }
    for name, variable in variables.items():
        assert variable["ephemeral"] is True
        assert variable["default"] is None
        assert "default" in variable, "a variable without default would be asked for"
        assert variable["sensitive"] is (name != "databricks_host")


@pytest.mark.parametrize(
    ("workspace", "host", "profile"),
    [
        ({}, "${var.databricks_host}", None),
        ({"host": "https://a.example.com"}, '${coalesce(var.databricks_host, "https://a.example.com")}', None),
        ({"profile": "mine"}, "${var.databricks_host}", '${var.databricks_host == null ? "mine" : null}'),
    ],
)
def test_the_provider_takes_variables_before_settings(
    tmp_path: Path, workspace: dict[str, Any], host: str, profile: str | None
) -> None:
    settings = with_values(workspace=Workspace(makes_shared_objects=False, **workspace))
    (provider,) = synthesize(tmp_path, settings)["provider"]["databricks"]
    assert provider["host"] == host
    assert provider.get("profile") == profile
    assert provider["token"] == "${var.databricks_token}"
    assert provider["client_secret"] == "${var.databricks_client_secret}"


def test_local_state_lies_in_the_clone(tmp_path: Path) -> None:
    path = synthesize(tmp_path)["terraform"]["backend"]["local"]["path"]
    working_folder = tmp_path / "out" / "stacks" / "prod"
    assert (working_folder / path).resolve() == tmp_path / ".branchline" / "state" / "prod.tfstate"


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        (
            AzureState(
                type="azurerm",
                resource_group_name="rg",
                storage_account_name="state1",
                container_name="tf",
                use_oidc=True,
            ),
            {
                "resource_group_name": "rg",
                "storage_account_name": "state1",
                "container_name": "tf",
                "key": "branchline/prod.tfstate",
                "use_azuread_auth": True,
                "use_oidc": True,
            },
        ),
        (
            S3State(type="s3", bucket="state", region="eu-central-1"),
            {
                "bucket": "state",
                "region": "eu-central-1",
                "key": "branchline/prod.tfstate",
                "encrypt": True,
                "use_lockfile": True,
            },
        ),
        (
            S3State(type="s3", bucket="state", region="eu-central-1", dynamodb_table="locks"),
            {
                "bucket": "state",
                "region": "eu-central-1",
                "key": "branchline/prod.tfstate",
                "encrypt": True,
                "dynamodb_table": "locks",
            },
        ),
        (GcsState(type="gcs", bucket="state", prefix="team"), {"bucket": "state", "prefix": "team/prod"}),
    ],
)
def test_remote_backends_get_a_key_for_each_stack(tmp_path: Path, backend: Backend, expected: dict[str, Any]) -> None:
    assert synthesize(tmp_path, with_values(backend=backend))["terraform"]["backend"] == {backend.type: expected}


def test_an_existing_object_is_adopted_by_its_address(tmp_path: Path) -> None:
    found = synthesize(tmp_path, with_values(adopt={"databricks_catalog.catalog": "prod"}))
    assert found["import"] == [{"id": "prod", "to": "databricks_catalog.catalog"}]
    assert "import" not in synthesize(tmp_path / "other")


def test_an_address_can_be_used_once(tmp_path: Path) -> None:
    stack = EnvironmentStack(make_app(tmp_path), "prod", PROD, root=tmp_path)
    stack.make(stack, "databricks_catalog", "catalog", name="a")
    with pytest.raises(ValueError, match=r"databricks_catalog\.catalog"):
        stack.make(stack, "databricks_catalog", "catalog", name="b")
