"""`kill -9` of the workspace in the middle of a deploy: the same command again ends where it would have ended.

Every creating call of a stack is caught once in the worst moment: the object is there, its answer is not.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.faults.conftest import Site, kill, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

_MANY = 1000
_STEADY = 10  # looks without a change: Terraform starts all that it can at once
_CREATING = {
    "dev-admin": {
        "/api/2.0/preview/scim/v2/ServicePrincipals": "databricks_service_principal branchline-dev",
        "/api/2.0/preview/scim/v2/Groups": "databricks_group branchline-",
        "/api/2.1/unity-catalog/catalogs": "databricks_catalog dev",
        "/api/2.1/unity-catalog/schemas": "databricks_schema dev.hrob",
        "/api/2.1/unity-catalog/volumes": "databricks_volume dev.hrob.landing",
        "/api/2.0/policies/clusters/create": "databricks_cluster_policy dev-hrob-jobs",
        "/api/2.0/secrets/scopes/create": "databricks_secret_scope dev-hrob",
        "/api/2.0/workspace/mkdirs": "databricks_directory /",
    },
    "dev": {
        "/api/2.2/jobs/create": "databricks_job dev-hrob-",
        "/api/2.0/mlflow/experiments/create": "databricks_mlflow_experiment /",
        "/api/2.1/unity-catalog/models": "databricks_registered_model dev.hrob.risk",
    },
}
"""By stack: the calls that create, and how what they make is named when it has been cut off."""


@pytest.mark.parametrize("stack", ["dev-admin", "dev"])
def test_the_same_command_again_converges(site: Site, stack: str) -> None:
    if stack == "dev":
        site.apply("dev-admin")  # nothing to do if the other half of this test has run
    environment = site.environment(stack)
    left, starts = set(_CREATING[stack]), 0
    while left:
        starts += 1
        caught, printed = _kill_while_creating(site, stack, environment, left)
        assert caught, f"{stack} makes nothing by {sorted(left)}"
        left -= caught
        assert "Error" in printed
        site.restart()
        named = " ".join(site.interrupted())
        assert [path for path in caught if _CREATING[stack][path] not in named] == [], named

    printed = site.apply(stack, environment)
    assert "took over" in printed, printed
    assert site.changes(stack) == ""
    assert site.interrupted() == []
    doubled = {name for name, count in Counter(_named_objects(site)).items() if count > 1}
    assert doubled == set()
    assert starts <= 6


def _kill_while_creating(site: Site, stack: str, environment: dict[str, str], paths: set[str]) -> tuple[set[str], str]:
    """Kills the workspace once calls wait for their answers; the paths of these calls, and what Terraform printed."""
    call = site.workspace.call
    for path in paths:
        fault = {"method": "POST", "path": path, "status": 0, "after": True, "delay_seconds": 600, "times": _MANY}
        call("POST", "/api/2.0/local/faults", json=fault)
    deploy = site.start_apply(stack, environment)
    seen: list[dict[str, int]] = []

    def all_wait() -> bool:
        met = [fault for fault in call("GET", "/api/2.0/local/faults")["faults"] if fault["served"]]
        seen.append({fault["path"]: fault["held"] for fault in met})
        settled = len(seen) > _STEADY and seen[-_STEADY] == seen[-1]
        return bool(met) and all(fault["held"] == fault["served"] for fault in met) and settled

    until(all_wait, "the deploy waits for answers")
    kill(site.workspace)
    return set(seen[-1]), deploy.finish(expected=1)


def _named_objects(site: Site) -> list[tuple[str, str]]:
    """What could be there twice: whose name the workspace does not hold unique."""
    call: Any = site.workspace.call
    jobs = call("GET", "/api/2.2/jobs/list", params={"limit": 100}).get("jobs", [])
    principals = call("GET", "/api/2.0/preview/scim/v2/ServicePrincipals").get("Resources", [])
    return [
        *(("job", job["settings"]["name"]) for job in jobs),
        *(("service principal", principal["displayName"]) for principal in principals),
    ]
