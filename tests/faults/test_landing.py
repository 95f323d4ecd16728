"""Days that bring nothing, and files that are not what they should be: the jobs go on, and say what they did."""

from __future__ import annotations

import re

import pytest

from tests.faults.conftest import Site
from tests.support.deployment import Run, wait_for_run

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

_VOLUME = "/Volumes/dev/hrob/landing"


@pytest.fixture(scope="module")
def dev(site: Site) -> Site:
    for stack in ("dev-admin", "dev"):
        site.apply(stack)
    return site


def _ingest(site: Site, date: str) -> Run:
    """The first tasks of the training job, as deployed, for one day."""
    job_id = site.deployment.job_id("dev-hrob-training")
    body = {"job_id": job_id, "only": ["ingest", "features"], "job_parameters": {"date": date}}
    run_id = site.workspace.call("POST", "/api/2.2/jobs/run-now", json=body)["run_id"]
    return wait_for_run(site.workspace, int(run_id))


def test_an_empty_day_is_a_day_like_others(dev: Site) -> None:
    landed = dev.deployment.run_job("dev-hrob-landing", date="2000-01-01")
    assert landed.result == "SUCCESS", landed
    assert "0 files with 0 births landed" in landed.logs["land"]
    ingested = _ingest(dev, "2000-01-01")
    assert ingested.states() == {"ingest": "SUCCESS", "features": "SUCCESS"}, ingested


def test_files_with_a_missing_column_or_another_type_are_set_aside_and_the_rest_goes_on(dev: Site) -> None:
    landed = dev.deployment.run_job("dev-hrob-landing", date="2026-01-02")
    assert landed.result == "SUCCESS", landed
    with dev.deployment.as_principal("branchline-dev") as client:
        good = client.get(f"/api/2.0/fs/files{_VOLUME}/births-2026-01-02.csv").content
        bad = {
            "births-2026-02-01.csv": good.replace(b",mage,", b",age,", 1),
            "births-2026-02-02.csv": good.replace(b"2026-01-02,", b"2026-01-02,x", 1),
        }
        for name, content in bad.items():
            assert content != good
            assert client.put(f"/api/2.0/fs/files{_VOLUME}/{name}", content=content).is_success
        ingested = _ingest(dev, "2026-01-02")
        assert ingested.states() == {"ingest": "SUCCESS", "features": "SUCCESS"}, ingested
        aside = client.get(f"/api/2.0/fs/directories{_VOLUME}/quarantine").json()["contents"]
        assert {entry["name"] for entry in aside} == set(bad)
    log = ingested.logs["ingest"]
    assert "set aside births-2026-02-01.csv: column mage is missing" in log
    assert "set aside births-2026-02-02.csv: " in log
    assert "expected an integer" in log
    assert re.search(r"[1-9]\d* births read from [1-9]\d* files into dev\.hrob\.births; 2 files set aside", log), log
