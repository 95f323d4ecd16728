"""Registered models: Unity Catalog's and MLflow's view are one, and the workspace's own registry has stages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service.ml import ModelTag

from infra.workspace.tracking.process import MlflowError
from tests.infra.workspace.tracking.rooms import Someone, Workspace

API = "/api/2.0/mlflow/"


@pytest.fixture(scope="module")
def source(staging: Someone) -> str:
    """The address of files of a run of staging's, fit to register."""
    id = staging.sdk.experiments.create_experiment("/Shared/branchline/staging/models").experiment_id
    run = staging.http.post(API + "runs/create", json={"experiment_id": id}).json()["run"]["info"]
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    put = staging.http.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}/model/MLmodel", content=b"flavors: {}\n")
    assert put.status_code == 200
    return f"runs:/{run['run_id']}/model"


@pytest.fixture
def model(staging: Someone) -> Iterator[str]:
    name = "staging.hrob.both"
    assert staging.http.post(API + "registered-models/create", json={"name": name}).status_code == 200
    yield name
    staging.http.request("DELETE", API + "registered-models/delete", json={"name": name})


def register(someone: Someone, name: str, source: str) -> str:
    body = {"name": name, "source": source, "run_id": source.split("/")[1]}
    answer = someone.http.post(API + "model-versions/create", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model_version"]["version"])


def test_what_mlflow_registers_is_in_the_catalog(staging: Someone, model: str, source: str) -> None:
    versions = [register(staging, model, source) for _ in range(2)]
    seen = list(staging.sdk.model_versions.list(model))
    assert [str(version.version) for version in seen] == versions
    assert seen[0].source == source
    assert seen[0].run_id == source.split("/")[1]
    staging.sdk.registered_models.set_alias(model, "champion", 2)
    by_alias = staging.http.get(API + "registered-models/alias", params={"name": model, "alias": "champion"})
    assert by_alias.json()["model_version"]["version"] == "2"
    assert staging.sdk.model_versions.get_by_alias(model, "champion").version == 2
    staging.sdk.registered_models.delete_alias(model, "champion")
    with pytest.raises(NotFound):
        staging.sdk.model_versions.get_by_alias(model, "champion")
    staging.sdk.model_versions.update(model, 1, comment="the first")
    told = staging.http.get(API + "model-versions/get", params={"name": model, "version": "1"}).json()
    assert told["model_version"]["description"] == "the first"
    staging.sdk.model_versions.delete(model, 1)
    assert [version.version for version in staging.sdk.model_versions.list(model)] == [2]


def test_creating_one_that_exists_lets_clients_go_on(staging: Someone, model: str) -> None:
    again = staging.http.post(API + "registered-models/create", json={"name": model})
    assert (again.status_code, again.json()["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")


def test_deleting_in_one_deletes_in_both(staging: Someone, workspace: Workspace) -> None:
    for delete_in_catalog in (True, False):
        name = "staging.hrob.gone"
        staging.http.post(API + "registered-models/create", json={"name": name, "description": "d"})
        assert staging.sdk.registered_models.get(name).comment == "d"
        if delete_in_catalog:
            staging.sdk.registered_models.delete(name)
        else:
            staging.http.request("DELETE", API + "registered-models/delete", json={"name": name})
        with pytest.raises(NotFound):
            staging.sdk.registered_models.get(name)
        with pytest.raises(MlflowError, match="not found"):
            workspace.models._registry.get(name)


def test_renaming_in_one_renames_in_both(staging: Someone, source: str) -> None:
    staging.http.post(API + "registered-models/create", json={"name": "staging.hrob.old"})
    register(staging, "staging.hrob.old", source)
    staging.sdk.registered_models.update("staging.hrob.old", new_name="new")
    assert len(list(staging.sdk.model_versions.list("staging.hrob.new"))) == 1
    body = {"name": "staging.hrob.new", "new_name": "staging.hrob.newer"}
    assert staging.http.post(API + "registered-models/rename", json=body).status_code == 200
    assert staging.sdk.registered_models.get("staging.hrob.newer").name == "newer"
    staging.sdk.registered_models.delete("staging.hrob.newer")


def test_a_deletion_cut_short_leaves_nothing_that_cannot_be_repaired(
    staging: Someone, workspace: Workspace, source: str, model: str
) -> None:
    """MLflow's part is done, the catalog's was not committed; then the other way round for a creation."""
    workspace.models._registry.delete(model)
    assert list(staging.sdk.model_versions.list(model)) == []
    assert register(staging, model, source) == "1"
    workspace.models._registry.delete(model)
    staging.sdk.registered_models.delete(model)
    workspace.models._registry.create(model, None)
    assert staging.http.post(API + "registered-models/create", json={"name": model}).status_code == 200


def test_only_the_schemas_owner_makes_models_there(staging: Someone, prod: Someone) -> None:
    answer = prod.http.post(API + "registered-models/create", json={"name": "staging.hrob.foreign"})
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
    with pytest.raises(NotFound):
        staging.sdk.registered_models.get("staging.hrob.foreign")


def test_the_workspaces_own_registry_has_stages_and_permissions(
    staging: Someone, prod: Someone, source: str, workspace: Workspace
) -> None:
    made = staging.sdk.model_registry.create_model("legacy", tags=[ModelTag("k", "v")]).registered_model
    assert made is not None
    found = staging.sdk.model_registry.get_model("legacy").registered_model_databricks
    assert found is not None
    assert found.id
    version = register(staging, "legacy", source)
    move = {"name": "legacy", "version": version, "stage": "staging", "archive_existing_versions": True}
    back = {key: value for key, value in move.items() if key != "archive_existing_versions"}
    moved = staging.http.post(API + "databricks/model-versions/transition-stage", json=move).json()
    assert moved["model_version_databricks"]["current_stage"] == "Staging"
    with pytest.raises(PermissionDenied):
        prod.sdk.model_registry.get_model("legacy")
    entry = {"service_principal_name": prod.principal.name, "permission_level": "CAN_MANAGE_STAGING_VERSIONS"}
    patched = staging.http.patch(
        f"/api/2.0/permissions/registered-models/{found.id}", json={"access_control_list": [entry]}
    )
    assert patched.status_code == 200, patched.text
    assert (
        prod.http.post(API + "model-versions/transition-stage", json={**back, "stage": "Archived"}).status_code == 200
    )
    wrong = prod.http.post(API + "model-versions/transition-stage", json={**move, "stage": "Archived"})
    assert (wrong.status_code, wrong.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    missing = staging.http.post(API + "model-versions/transition-stage", json={**back, "version": "99"})
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    refused = prod.http.post(API + "model-versions/transition-stage", json={**move, "stage": "Production"})
    assert refused.status_code == 403
    assert prod.http.delete(API + "registered-models/delete", params={"name": "legacy"}).status_code == 403
    assert [model.name for model in staging.sdk.model_registry.list_models()] == ["legacy"]
    staging.sdk.model_registry.delete_model("legacy")
    assert list(staging.sdk.model_registry.list_models()) == []


def test_stages_are_refused_for_models_of_the_catalog(staging: Someone, model: str, source: str) -> None:
    version = register(staging, model, source)
    move = {"name": model, "version": version, "stage": "Production"}
    answer = staging.http.post(API + "model-versions/transition-stage", json=move)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
