"""The real mlflow client, by address and token, as two service principals that must not see each other's work."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.workspace.tracking.rooms import Someone, Workspace

_TRAINING = """
import json, sys
import lightgbm, matplotlib, mlflow, numpy, pandas
matplotlib.use("Agg")
from matplotlib import pyplot

environment = sys.argv[1]
mlflow.set_experiment(f"/Shared/branchline/{environment}/hrob")
rows = pandas.DataFrame(numpy.random.default_rng(1).random((200, 3)), columns=list("abc"))
with mlflow.start_run() as parent:
    for trial in range(2):
        with mlflow.start_run(nested=True):
            mlflow.log_params({"trial": trial})
            mlflow.log_metric("auc", 0.5 + trial / 10)
    mlflow.log_metric("auc", 0.6, step=1)
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(rows, rows.a > 0.5), 5)
    figure, axes = pyplot.subplots()
    axes.plot([1, 2])
    mlflow.log_figure(figure, "plots/roc.png")
    mlflow.log_text("a note", "note.txt")
    mlflow.log_input(mlflow.data.from_pandas(rows, name="features"))
    info = mlflow.lightgbm.log_model(
        booster, name="model", registered_model_name=f"{environment}.hrob.risk",
        input_example=rows.head(2), pip_requirements=["lightgbm"],
    )
client = mlflow.MlflowClient()
name = f"{environment}.hrob.risk"
client.set_registered_model_alias(name, "champion", info.registered_model_version)
client.set_model_version_tag(name, info.registered_model_version, "verdict", "passed")
loaded = mlflow.lightgbm.load_model(f"models:/{name}@champion")
found = mlflow.search_runs(experiment_names=[f"/Shared/branchline/{environment}/hrob"])
print(json.dumps({
    "run": parent.info.run_id,
    "experiment": parent.info.experiment_id,
    "model_id": info.model_id,
    "version": info.registered_model_version,
    "runs": len(found),
    "predictions": len(loaded.predict(rows)),
    "artifacts": sorted(item.path for item in client.list_artifacts(parent.info.run_id)),
    "models": [model.name for model in client.search_registered_models()],
    "experiments": [experiment.name for experiment in client.search_experiments()],
    "artifact_uri": client.get_model_version_download_uri(name, info.registered_model_version),
}))
"""


@pytest.fixture(scope="module")
def trained(staging: Someone, prod: Someone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each of the two principals saw of its own training."""
    results = {}
    for environment, someone in (("staging", staging), ("prod", prod)):
        done = someone.python(_TRAINING, environment, folder=tmp_path_factory.mktemp(environment))
        assert done.returncode == 0, done.stderr
        results[environment] = json.loads(done.stdout.splitlines()[-1])
    return results


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_a_training_run_is_logged_registered_and_loaded(trained: dict[str, dict[str, Any]], environment: str) -> None:
    seen = trained[environment]
    assert seen["runs"] == 3
    assert seen["predictions"] == 200
    assert {"note.txt", "plots"} <= set(seen["artifacts"])
    assert seen["models"] == [f"{environment}.hrob.risk"]
    assert f"/Shared/branchline/{environment}/hrob" in seen["experiments"]
    assert all(name.startswith(f"/Shared/branchline/{environment}/") for name in seen["experiments"])


def test_each_may_call_for_its_own_and_not_for_the_others(
    trained: dict[str, dict[str, Any]], staging: Someone, prod: Someone
) -> None:
    theirs = trained["staging"]
    path = theirs["artifact_uri"].removeprefix("mlflow-artifacts:/")
    reads = [
        f"/api/2.0/mlflow/runs/get?run_id={theirs['run']}",
        f"/ajax-api/2.0/mlflow/runs/get?run_id={theirs['run']}",
        f"/mlflow/ajax-api/2.0/mlflow/runs/get?run_uuid={theirs['run']}",
        f"/api/2.0/mlflow/experiments/get?experiment_id={theirs['experiment']}",
        f"/api/2.0/mlflow/metrics/get-history?run_id={theirs['run']}&metric_key=auc",
        f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={theirs['run']}&metric_key=auc",
        f"/api/2.0/mlflow/artifacts/list?run_id={theirs['run']}",
        f"/get-artifact?run_id={theirs['run']}&path=note.txt",
        f"/mlflow/get-artifact?run_uuid={theirs['run']}&path=note.txt",
        f"/api/2.0/mlflow-artifacts/artifacts?path={path}",
        f"/api/2.0/mlflow-artifacts/artifacts/{path}/MLmodel",
        f"/api/2.0/mlflow/logged-models/{theirs['model_id']}",
        f"/api/2.0/mlflow/logged-models/{theirs['model_id']}/artifacts/directories",
        "/api/2.0/mlflow/registered-models/get?name=staging.hrob.risk",
        "/api/2.0/mlflow/registered-models/alias?name=staging.hrob.risk&alias=champion",
        "/api/2.0/mlflow/model-versions/get-download-uri?name=staging.hrob.risk&version=1",
        "/model-versions/get-artifact?name=staging.hrob.risk&version=1&path=MLmodel",
        "/api/2.1/unity-catalog/models/staging.hrob.risk/versions/1",
    ]
    for address in reads:
        assert staging.http.get(address).status_code == 200, address
        answer = prod.http.get(address)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED"), address


def test_nor_change_it(trained: dict[str, dict[str, Any]], prod: Someone) -> None:
    theirs, own = trained["staging"], trained["prod"]
    api = "/api/2.0/mlflow"
    path = theirs["artifact_uri"].removeprefix("mlflow-artifacts:/")
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{api}/runs/create", {"experiment_id": theirs["experiment"]}),
        ("POST", f"{api}/runs/log-metric", {"run_id": theirs["run"], "key": "k", "value": 1, "timestamp": 1}),
        ("POST", f"{api}/runs/log-metric",
         {"run_id": own["run"], "model_id": theirs["model_id"], "key": "k", "value": 1, "timestamp": 1}),
        ("POST", f"{api}/runs/log-batch",
         {"runId": own["run"], "metrics": [{"key": "k", "value": 1, "timestamp": 1, "modelId": theirs["model_id"]}]}),
        ("POST", f"{api}/runs/set-tag", {"runUuid": theirs["run"], "key": "k", "value": "v"}),
        ("POST", f"{api}/runs/search", {"experiment_ids": [own["experiment"], theirs["experiment"]]}),
        ("POST", f"{api}/experiments/update", {"experiment_id": theirs["experiment"], "new_name": "/Shared/mine"}),
        ("POST", f"{api}/experiments/delete", {"experiment_id": theirs["experiment"]}),
        ("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}/MLmodel", {}),
        ("DELETE", f"/api/2.0/mlflow-artifacts/artifacts/{path}/MLmodel", {}),
        ("POST", f"{api}/registered-models/alias", {"name": "staging.hrob.risk", "alias": "champion", "version": "1"}),
        ("PATCH", f"{api}/registered-models/update", {"name": "staging.hrob.risk", "description": "mine"}),
        ("DELETE", f"{api}/registered-models/delete", {"name": "staging.hrob.risk"}),
        ("POST", f"{api}/registered-models/create", {"name": "staging.hrob.mine"}),
        ("POST", f"{api}/model-versions/create",
         {"name": "staging.hrob.risk", "source": f"runs:/{own['run']}/m", "run_id": own["run"]}),
        ("POST", f"{api}/model-versions/create",
         {"name": "prod.hrob.risk", "source": f"models:/{theirs['model_id']}", "model_id": theirs["model_id"]}),
        ("POST", f"{api}/model-versions/create", {"name": "prod.hrob.risk", "source": "models:/staging.hrob.risk/1"}),
        ("POST", "/graphql", {
            "query": "query Q($data: MlflowGetRunInput!) { mlflowGetRun(input: $data) { run { info { runId } } } }",
            "variables": {"data": {"runId": theirs["run"]}},
        }),
    ]  # fmt: skip
    for method, address, body in writes:
        answer = prod.http.request(method, address, json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED"), (address, answer.text)


def test_who_may_execute_a_model_may_load_it_and_nothing_else(
    trained: dict[str, dict[str, Any]], workspace: Workspace, tmp_path: Path
) -> None:
    scorer = workspace.service_principal("a scorer")
    load = "import mlflow, sys; mlflow.lightgbm.load_model(sys.argv[1]); print('loaded')"
    refused = scorer.python(load, "models:/staging.hrob.risk@champion", folder=tmp_path)
    assert refused.returncode != 0
    assert "PERMISSION_DENIED" in refused.stderr
    for kind, name, privilege in (
        ("catalog", "staging", "USE_CATALOG"),
        ("schema", "staging.hrob", "USE_SCHEMA"),
        ("function", "staging.hrob.risk", "EXECUTE"),
    ):
        change = {"changes": [{"principal": scorer.principal.name, "add": [privilege]}]}
        workspace.catalog.permissions.update_permissions(workspace.admin.principal, kind, name, change)
    done = scorer.python(load, "models:/staging.hrob.risk@champion", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    run = scorer.http.get("/api/2.0/mlflow/runs/get", params={"run_id": trained["staging"]["run"]})
    assert run.status_code == 403
    alias = {"name": "staging.hrob.risk", "alias": "champion", "version": "1"}
    assert scorer.http.post("/api/2.0/mlflow/registered-models/alias", json=alias).status_code == 403


def test_unknown_and_unsupported_calls_are_refused_by_name(workspace: Workspace) -> None:
    for method, path in (("GET", "/api/2.0/mlflow/webhooks"), ("POST", "/api/3.0/mlflow/gateway/secrets/create")):
        answer = workspace.admin.http.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 501
        assert path in answer.json()["message"]


def test_the_pages_are_served_with_their_files(staging: Someone) -> None:
    page = staging.http.get("/mlflow/")
    assert page.headers["content-type"].startswith("text/html")
    script = re.search(r'src="(static-files/[^"]+\.js)"', page.text)
    assert script is not None
    assert len(staging.http.get(f"/mlflow/{script[1]}").content) > 100_000
    assert staging.http.get("/mlflow").headers["location"] == "/mlflow/"


def test_neither_tokens_nor_cookies_reach_mlflow_or_its_log(staging: Someone, workspace: Workspace) -> None:
    staging.http.get("/api/2.0/mlflow/runs/get", params={"run_id": "x"})
    log = (workspace.config.data_dir / "mlflow" / "mlflow.log").read_text()
    assert staging.token not in log
    assert workspace.admin.token not in log
