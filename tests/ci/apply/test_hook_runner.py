"""Hooks that bring a git folder up to date, publish a dashboard, or ask for what a workspace does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from databricks.sdk.service.dashboards import Dashboard, PublishedDashboard

from ci.apply.hooks import HookRunner
from ci.deployments.record import HookResult
from ci.repository import git
from ci.target import Target
from infra.settings import load_settings
from infra.settings.hooks import Hook
from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.jobs_room import URL, Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_hooks_follow_the_branch_and_fail_by_name(
    start_workspace: Callable[..., Running], repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a.txt": "1"})
    git(repository.path, "symbolic-ref", "HEAD", "refs/heads/main")  # whatever this machine's git calls it
    running = start_workspace(repos={URL: str(repository.path)})
    client = Target(running.url, launch.environment(running)).client()
    client.workspace.mkdirs("/Repos/team")
    client.repos.create(URL, "gitHub", path="/Repos/team/project")
    head = repository.commit({"a.txt": "2"})
    runner = HookRunner(client, load_settings("staging", variables={}), head, tmp_path, lambda line: None)

    def run(**kind: str) -> HookResult:
        hook = Hook(name="x", **kind)  # type: ignore[arg-type] # one of its kinds
        return runner.run(hook, HookResult(name="x", kind=hook.kind, state="pending"), lambda result: None)

    synced = run(sync_repo="/Repos/team/project")
    assert (synced.state, synced.message) == ("succeeded", f"/Repos/team/project is at {head[:12]} of main")
    missing = run(sync_repo="/Repos/team/other")
    assert (missing.state, missing.message[:37]) == ("failed", "Trouble: no git folder /Repos/team/ot")
    nowhere = run(refresh_dashboard="Births")
    assert (nowhere.state, nowhere.message) == (
        "failed",
        "Trouble: no dashboard is called 'Births': name one by its id",
    )
    job = run(run_job="training")
    assert job.state == "failed"
    assert "no job 'staging-hrob-training'" in job.message


def test_a_dashboard_is_published_as_it_was(workspace: Running, tmp_path: Path) -> None:
    client = Target(workspace.url, launch.environment(workspace)).client()
    warehouse = str(workspace.call("POST", "/api/2.0/sql/warehouses", json={"name": "hook-runner"})["id"])
    made = client.lakeview.create(Dashboard(display_name="Hook runner", warehouse_id=warehouse))
    assert made.dashboard_id
    runner = HookRunner(client, load_settings("staging", variables={}), "", tmp_path, lambda line: None)

    def publish() -> PublishedDashboard:
        hook = Hook(name="x", refresh_dashboard="Hook runner")
        result = runner.run(hook, HookResult(name="x", kind=hook.kind, state="pending"), lambda result: None)
        assert (result.state, result.message) == ("succeeded", "Hook runner is published")
        return client.lakeview.get_published(str(made.dashboard_id))

    try:
        assert not publish().embed_credentials
        client.lakeview.publish(made.dashboard_id, embed_credentials=True, warehouse_id=warehouse)
        before = client.lakeview.get_published(made.dashboard_id)
        client.lakeview.update(made.dashboard_id, Dashboard(display_name="Hook runner", serialized_dashboard="{}"))
        after = publish()
        assert after.embed_credentials
        assert after.warehouse_id == warehouse
        assert str(after.revision_create_time) > str(before.revision_create_time)
    finally:
        client.lakeview.trash(made.dashboard_id)
        client.warehouses.delete(warehouse)
