"""Deploys that meet: two of one environment, and two principals' at once."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from infra.settings import load_settings
from tests.faults.conftest import Site, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

_HELD_SECONDS = 1.0


@pytest.fixture(scope="module")
def administered(site: Site) -> Site:
    """The admin's part of all three environments."""
    for stack in ("dev-admin", "staging-admin", "prod-admin"):
        site.apply(stack)
    return site


def test_a_second_deploy_is_refused_by_the_state_lock_and_the_first_unharmed(administered: Site) -> None:
    site = administered
    first = site.start_apply("dev")
    lock = site.state("dev").with_name(".dev.tfstate.lock.info")
    until(lock.exists, "the first deploy holds the lock")
    first.process.send_signal(signal.SIGSTOP)
    try:
        second = site.start_apply("dev").finish(expected=1)
    finally:
        first.process.send_signal(signal.SIGCONT)
    assert "Error acquiring the state lock" in second
    first.finish(expected=0)
    assert site.changes("dev") == ""


def test_two_principals_deploy_at_once_each_with_its_own_credentials(administered: Site) -> None:
    site, call = administered, administered.workspace.call
    late = {"method": "POST", "path": "/api/2.2/jobs/create", "status": 0, "times": 6, "delay_seconds": _HELD_SECONDS}
    call("POST", "/api/2.0/local/faults", json=late)
    under_way = [site.start_apply(stack) for stack in ("staging", "prod")]
    for deploy in under_way:
        deploy.finish(expected=0)

    made: dict[str, list[int]] = {}
    for environment in ("staging", "prod"):
        principal = _application_id(site, f"branchline-{environment}")
        jobs = [job for job in _jobs(site) if job["settings"]["name"].startswith(f"{environment}-")]
        assert len(jobs) == 5
        assert {job["creator_user_name"] for job in jobs} == {principal}
        model = call("GET", f"/api/2.1/unity-catalog/models/{environment}.hrob.risk")
        assert (model["created_by"], model["owner"]) == (principal, principal)
        assert _manager(site, load_settings(environment).experiment_name) == principal
        assert site.changes(environment) == ""
        made[environment] = [int(job["created_time"]) for job in jobs]
    assert max(map(min, made.values())) - min(map(max, made.values())) < 1000 * _HELD_SECONDS, "they did not overlap"


def _application_id(site: Site, name: str) -> str:
    path = "/api/2.0/preview/scim/v2/ServicePrincipals"
    found = site.workspace.call("GET", path, params={"filter": f'displayName eq "{name}"'})["Resources"]
    return str(found[0]["applicationId"])


def _jobs(site: Site) -> list[dict[str, Any]]:
    return list(site.workspace.call("GET", "/api/2.2/jobs/list", params={"limit": 100})["jobs"])


def _manager(site: Site, experiment: str) -> str:
    """The only principal, admins aside, that may manage an experiment."""
    by_name = "/api/2.0/mlflow/experiments/get-by-name"
    found = site.workspace.call("GET", by_name, params={"experiment_name": experiment})["experiment"]
    path = f"/api/2.0/permissions/experiments/{found['experiment_id']}"
    entries = site.workspace.call("GET", path)["access_control_list"]
    managing = [
        entry.get("service_principal_name") or entry.get("user_name")
        for entry in entries
        for level in entry["all_permissions"]
        if level["permission_level"] == "CAN_MANAGE" and not level["inherited"] and "group_name" not in entry
    ]
    assert len(managing) == 1, entries
    return str(managing[0])
