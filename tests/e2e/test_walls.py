"""Staging's service principal may not touch what is prod's; its runs do not see prod's catalog."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.conftest import Deployed
from tests.support.deployment import wait_for_run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

_REFUSED = {
    "PERMISSION_DENIED",
    "RESOURCE_DOES_NOT_EXIST",
    "NOT_FOUND",
    "TABLE_DOES_NOT_EXIST",
    "CATALOG_DOES_NOT_EXIST",
}


@pytest.fixture(scope="module")
def staging(deployed: Deployed) -> httpx.Client:
    return deployed.as_principal("branchline-staging")


def _experiment_id(deployed: Deployed, environment: str) -> str:
    path = f"/branchline/{environment}/hrob"
    found = deployed.workspace.call("GET", "/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": path})
    return str(found["experiment"]["experiment_id"])


def _refused(answer: httpx.Response) -> bool:
    return answer.status_code in (403, 404) and answer.json()["error_code"] in _REFUSED


def test_prods_jobs_are_out_of_reach(deployed: Deployed, staging: httpx.Client) -> None:
    job_id = deployed.job_id("prod-hrob-training")
    assert _refused(staging.get("/api/2.2/jobs/get", params={"job_id": job_id}))
    assert _refused(staging.post("/api/2.2/jobs/run-now", json={"job_id": job_id}))
    assert _refused(staging.post("/api/2.2/jobs/update", json={"job_id": job_id, "new_settings": {"name": "mine"}}))
    assert _refused(staging.post("/api/2.2/jobs/delete", json={"job_id": job_id}))
    listed = staging.get("/api/2.2/jobs/list", params={"limit": 100}).json()["jobs"]
    assert {job["settings"]["name"].split("-")[0] for job in listed} == {"staging"}


def test_prods_experiment_is_out_of_reach(deployed: Deployed, staging: httpx.Client) -> None:
    experiment = _experiment_id(deployed, "prod")
    mlflow = "/api/2.0/mlflow"
    assert _refused(staging.get(f"{mlflow}/experiments/get", params={"experiment_id": experiment}))
    assert _refused(staging.post(f"{mlflow}/runs/create", json={"experiment_id": experiment}))
    assert _refused(staging.post(f"{mlflow}/experiments/delete", json={"experiment_id": experiment}))
    own = _experiment_id(deployed, "staging")
    assert staging.post(f"{mlflow}/runs/create", json={"experiment_id": own}).status_code == 200


def test_prods_registry_is_out_of_reach(deployed: Deployed, staging: httpx.Client) -> None:
    for path in ("models/prod.hrob.risk", "models/prod.hrob.risk/versions"):
        assert _refused(staging.get(f"/api/2.1/unity-catalog/{path}"))
    body = {"name": "prod.hrob.risk", "source": "runs:/0/model"}
    assert _refused(staging.post("/api/2.0/mlflow/model-versions/create", json=body))
    alias = {"name": "prod.hrob.risk", "alias": "champion", "version": "1"}
    assert _refused(staging.post("/api/2.0/mlflow/registered-models/alias", json=alias))
    assert _refused(staging.get("/api/2.0/mlflow/registered-models/get", params={"name": "prod.hrob.risk"}))


def test_prods_secrets_are_out_of_reach(deployed: Deployed, staging: httpx.Client) -> None:
    deployed.workspace.call(
        "POST", "/api/2.0/secrets/put", json={"scope": "prod-hrob", "key": "mail", "string_value": "prod's own"}
    )
    asked = {"scope": "prod-hrob", "key": "mail"}
    assert _refused(staging.get("/api/2.0/secrets/get", params=asked))
    assert _refused(staging.get("/api/2.0/secrets/list", params={"scope": "prod-hrob"}))
    assert _refused(staging.post("/api/2.0/secrets/put", json={**asked, "string_value": "staging's"}))
    scopes = staging.get("/api/2.0/secrets/scopes/list").json().get("scopes", [])
    assert [scope["name"] for scope in scopes] == ["staging-hrob"]
    assert deployed.as_principal("branchline-prod").get("/api/2.0/secrets/get", params=asked).status_code == 200


def test_prods_catalog_is_out_of_reach(staging: httpx.Client) -> None:
    uc = "/api/2.1/unity-catalog"
    assert _refused(staging.get(f"{uc}/catalogs/prod"))
    assert _refused(staging.get(f"{uc}/schemas/prod.hrob"))
    assert _refused(staging.get(f"{uc}/volumes/prod.hrob.landing"))
    assert _refused(staging.get(f"{uc}/tables/prod.hrob.births"))
    assert _refused(staging.post(f"{uc}/schemas", json={"catalog_name": "prod", "name": "mine"}))
    change = {"changes": [{"principal": "branchline-scientists", "add": ["ALL_PRIVILEGES"]}]}
    assert _refused(staging.patch(f"{uc}/permissions/catalog/prod", json=change))
    assert _refused(staging.put("/api/2.0/fs/files/Volumes/prod/hrob/landing/mine.csv", content=b"x"))
    assert _refused(staging.get("/api/2.0/fs/directories/Volumes/prod/hrob/landing"))
    names = {catalog["name"] for catalog in staging.get(f"{uc}/catalogs").json()["catalogs"]}
    assert names == {"staging"}


def test_a_run_of_stagings_does_not_see_prods_catalog(deployed: Deployed) -> None:
    """A look-around committed on a branch and run once, as staging's service principal runs its jobs."""
    look = (
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "print('seen', sorted(row.catalog for row in spark.sql('SHOW CATALOGS').collect()))\n"
        "try:\n"
        "    spark.table('prod.hrob.births').count()\n"
        "    print('read')\n"
        "except Exception as error:\n"
        "    print('refused')\n"
    )
    deployed.clone.commit("probe", {"look.py": look})
    asked = {"job_id": deployed.job_id("staging-hrob-training")}
    found = deployed.workspace.call("GET", "/api/2.2/jobs/get", params=asked)
    job = found["settings"]
    body = {
        "run_name": "look around",
        "git_source": {**job["git_source"], "git_branch": "probe"},
        "run_as": {"service_principal_name": found["run_as_user_name"]},
        "tasks": [
            {
                "task_key": "look",
                "spark_python_task": {"python_file": "look.py", "source": "GIT"},
                "new_cluster": job["job_clusters"][0]["new_cluster"],
            }
        ],
    }
    run_id = deployed.workspace.call("POST", "/api/2.2/jobs/runs/submit", json=body)["run_id"]
    looked = wait_for_run(deployed.workspace, run_id)
    assert looked.result == "SUCCESS", looked
    seen = looked.logs["look"].splitlines()
    assert "staging" in seen[0]
    assert "prod" not in seen[0]
    assert "refused" in seen
