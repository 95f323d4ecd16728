"""Hooks that bring a git folder up to date, or ask for what a workspace does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
    dashboard = run(refresh_dashboard="Births")
    assert dashboard.state == "failed"
    assert "lakeview" in dashboard.message.lower()
    job = run(run_job="training")
    assert job.state == "failed"
    assert "no job 'staging-hrob-training'" in job.message
