"""Experiments by Databricks' rules, over databricks-sdk and REST."""

from __future__ import annotations

import pytest
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.ml import ExperimentTag

from infra.workspace.gateway.errors import Unavailable
from tests.infra.workspace.tracking.rooms import Someone, Workspace

API = "/api/2.0/mlflow/experiments/"


def test_an_experiment_lives_in_the_workspace_tree(staging: Someone) -> None:
    name = "/Shared/branchline/staging/tree"
    tags = [ExperimentTag("zeta", "1"), ExperimentTag("alpha", "2")]
    id = staging.sdk.experiments.create_experiment(name, tags=tags).experiment_id
    assert id is not None
    found = staging.sdk.experiments.get_experiment(id).experiment
    assert found is not None
    assert found.name == name
    assert found.tags == tags, "in the order in which they were given"
    status = staging.http.get("/api/2.0/workspace/get-status", params={"path": "/Workspace" + name}).json()
    assert (status["object_type"], status["object_id"]) == ("MLFLOW_EXPERIMENT", int(id))
    assert status["path"] == "/Workspace" + name
    by_name = staging.sdk.experiments.get_by_name("/Workspace" + name).experiment
    assert by_name is not None
    assert by_name.experiment_id == id


def test_its_directory_must_exist_and_be_the_callers(staging: Someone) -> None:
    with pytest.raises(NotFound, match=r"(?i)parent folder .* does not exist"):
        staging.sdk.experiments.create_experiment("/Shared/branchline/staging/missing/e")
    with pytest.raises(PermissionDenied):
        staging.sdk.experiments.create_experiment("/e")
    with pytest.raises(BadRequest):
        staging.sdk.experiments.create_experiment("relative")


def test_a_name_can_be_used_again_after_a_deletion(staging: Someone) -> None:
    name = "/Shared/branchline/staging/again"
    experiments = staging.sdk.experiments
    first = experiments.create_experiment(name).experiment_id
    assert first is not None
    with pytest.raises(ResourceAlreadyExists):
        experiments.create_experiment(name)
    experiments.delete_experiment(first)
    with pytest.raises(NotFound):
        experiments.get_by_name(name)
    second = experiments.create_experiment(name).experiment_id
    assert second is not None
    assert second != first
    deleted = experiments.get_experiment(first).experiment
    assert deleted is not None
    assert (deleted.lifecycle_stage, deleted.name) == ("deleted", name)
    with pytest.raises(ResourceAlreadyExists):
        experiments.restore_experiment(first)
    experiments.delete_experiment(second)
    experiments.restore_experiment(first)
    restored = experiments.get_by_name(name).experiment
    assert restored is not None
    assert restored.experiment_id == first


def test_a_rename_moves_it_in_the_tree(staging: Someone) -> None:
    experiments = staging.sdk.experiments
    id = experiments.create_experiment("/Shared/branchline/staging/before").experiment_id
    assert id is not None
    experiments.update_experiment(id, new_name="/Shared/branchline/staging/after")
    assert staging.sdk.workspace.get_status("/Shared/branchline/staging/after").object_id == int(id)
    with pytest.raises(NotFound):
        staging.sdk.workspace.get_status("/Shared/branchline/staging/before")


def test_it_goes_with_its_directory(staging: Someone) -> None:
    staging.sdk.workspace.mkdirs("/Shared/branchline/staging/folder")
    id = staging.sdk.experiments.create_experiment("/Shared/branchline/staging/folder/e").experiment_id
    staging.sdk.workspace.delete("/Shared/branchline/staging/folder", recursive=True)
    answer = staging.http.get(API + "get", params={"experiment_id": str(id)}).json()
    assert answer["experiment"]["lifecycle_stage"] == "deleted"


def test_a_directorys_permissions_reach_its_experiments(workspace: Workspace, staging: Someone) -> None:
    reader = workspace.service_principal("a reader")
    staging.sdk.workspace.mkdirs("/Shared/branchline/staging/open")
    id = staging.sdk.experiments.create_experiment("/Shared/branchline/staging/open/e").experiment_id
    params = {"experiment_id": str(id)}
    assert reader.http.get(API + "get", params=params).status_code == 403
    directory = staging.sdk.workspace.get_status("/Shared/branchline/staging/open").object_id
    entry = {"service_principal_name": reader.principal.name, "permission_level": "CAN_READ"}
    put = staging.http.patch(f"/api/2.0/permissions/directories/{directory}", json={"access_control_list": [entry]})
    assert put.status_code == 200
    assert reader.http.get(API + "get", params=params).status_code == 200
    tag = {"experiment_id": str(id), "key": "k", "value": "v"}
    assert reader.http.post(API + "set-experiment-tag", json=tag).status_code == 403


def test_what_mlflow_holds_besides_is_for_no_one(workspace: Workspace) -> None:
    """Its default experiment, and one whose creation was cut short."""
    half_made = workspace.tracking.mlflow.call("POST", API + "create", {"name": "/Shared/half-made"})["experiment_id"]
    for id in ("0", half_made):
        assert workspace.admin.http.get(API + "get", params={"experiment_id": id}).status_code == 404
        run = workspace.admin.http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": id})
        assert (run.status_code, run.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    listed = workspace.admin.http.get(API + "search", params={"max_results": 1000}).json()["experiments"]
    assert not {"0", half_made} & {experiment["experiment_id"] for experiment in listed}
    again = workspace.admin.http.post(API + "create", json={"name": "/Shared/half-made"})
    assert again.json()["experiment_id"] != half_made


@pytest.mark.parametrize("calls_that_reach_mlflow", [0, 1, 2])
def test_a_deletion_that_was_cut_short_can_be_repeated(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, calls_that_reach_mlflow: int
) -> None:
    name = f"/Shared/cut-{calls_that_reach_mlflow}"
    admin, experiments, mlflow = workspace.admin.principal, workspace.tracking.experiments, workspace.tracking.mlflow
    id = experiments.create(admin, name, [], "")
    real, left = mlflow.call, [calls_that_reach_mlflow]

    def dying(*arguments: object, **options: object) -> dict[str, object]:
        if not left[0]:
            raise Unavailable("killed")
        left[0] -= 1
        return real(*arguments, **options)  # type: ignore[arg-type]  # passed through as they came

    with monkeypatch.context() as patch:
        patch.setattr(mlflow, "call", dying)
        with pytest.raises(Unavailable):
            experiments.delete(admin, id)
    experiments.delete(admin, id)
    assert experiments.get(admin, id)["lifecycle_stage"] == "deleted"
    assert experiments.create(admin, name, [], "") != id


def test_artifacts_can_not_be_sent_elsewhere(staging: Someone) -> None:
    body = {"name": "/Shared/branchline/staging/elsewhere", "artifact_location": "file:///etc"}
    answer = staging.http.post(API + "create", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
