"""Drift of a real deployment: changed by hand, and with a job that nobody's state knows."""

from __future__ import annotations

import pytest

from ci.drift.look import look_for_drift
from tests.ci.conftest import Line

pytestmark = pytest.mark.timeout(240)


def test_changes_by_hand_and_orphans_are_found_and_nothing_else(line: Line) -> None:
    (clean,) = look_for_drift(["dev"], root=line.root, credentials=line.credentials).environments
    assert (clean.problem, clean.found) == (None, False)

    call = line.workspace.call
    jobs = {job["settings"]["name"]: job for job in call("GET", "/api/2.2/jobs/list")["jobs"]}
    training = jobs["dev-hrob-training"]["job_id"]
    before = call("GET", f"/api/2.2/jobs/get?job_id={training}")["settings"]["timeout_seconds"]
    settings = {"name": "dev-hrob-forgotten", "tags": {"project": "hrob", "environment": "dev"}}
    forgotten = call("POST", "/api/2.2/jobs/create", json=settings)["job_id"]
    copy = {"name": "feature-x-dev-hrob-training", "tags": {**settings["tags"], "expires": "2026-12-01"}}
    copied = call("POST", "/api/2.2/jobs/create", json=copy)["job_id"]
    call("POST", "/api/2.2/jobs/update", json={"job_id": training, "new_settings": {"timeout_seconds": 60}})
    try:
        report = look_for_drift(["dev"], root=line.root, credentials=line.credentials)
    finally:
        call("POST", "/api/2.2/jobs/update", json={"job_id": training, "new_settings": {"timeout_seconds": before}})
        for job in (forgotten, copied):
            call("POST", "/api/2.2/jobs/delete", json={"job_id": job})

    (found,) = report.environments
    changes = {change.address: change for stack in found.stacks for change in stack.changes}
    assert set(changes) == {"databricks_job.training"}
    fields = {field.path: (field.before, field.after) for field in changes["databricks_job.training"].fields}
    assert fields == {"timeout_seconds": (60, before)}
    assert [(orphan.kind, orphan.name) for orphan in found.orphans] == [("job", f"dev-hrob-forgotten ({forgotten})")]
    assert report.found


def test_an_environment_that_was_never_deployed_is_a_problem_of_its_own(line: Line) -> None:
    report = look_for_drift(["staging"], root=line.root, credentials=line.credentials)
    assert "deploy its admin stack first" in str(report.environments[0].problem)
    assert not report.found
