"""`branchline release` as it is called, against a real workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ci.commands import release as command
from ci.deployments.store import Deployments
from ci.main import app
from tests.ci.release.prod import Prod
from tests.ci.release.repo import Project, green


@pytest.fixture
def deployed(prod: Prod, project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("DATABRICKS_HOST", prod.workspace.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", prod.workspace.token)
    monkeypatch.setattr(command, "ROOT", project.path)
    return project


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["release", *arguments])


def test_cut_show_and_status(deployed: Project, prod: Prod, tmp_path: Path) -> None:
    before = deployed.refs()
    red = call("cut")
    assert red.exit_code == 1
    assert "- nothing has been deployed to staging by 'branchline apply staging'" in red.stderr
    staging = deployed.line.proven
    prod.client.workspace.mkdirs(staging.folder)
    try:
        Deployments(prod.client, staging).write(green(before["refs/heads/main"]))
        tried = call("cut", "--tag", "v1.0.0", "--dry-run")
        assert tried.exit_code == 0, tried.output
        assert deployed.refs() == before
        done = call("cut", "--tag", "v1.0.0")
        assert done.exit_code == 0, done.output
        assert done.stdout == tried.stdout or done.stdout.startswith("v1.0.0  ")
        assert "not attached, as there is none in this clone: plan.json" in done.stderr
        assert call("show", "v1.0.0", "--extract", str(tmp_path / "out")).exit_code == 0
        unknown = call("show", "v2.0.0")
        assert unknown.exit_code == 1
        assert "did you mean v1.0.0?" in unknown.stderr
        file = tmp_path / "status.json"
        status = call("status", "--json", str(file))
        assert status.exit_code == 0, status.output
        told = json.loads(file.read_text())
        assert told["releases"] == ["v1.0.0"]
        named = {each["environment"]: each["deployed"] and each["deployed"]["tag"] for each in told["environments"]}
        assert named == {"dev": None, "staging": "v1.0.0", "prod": None}
    finally:
        prod.client.workspace.delete(staging.folder, recursive=True)


def test_only_what_runs_releases_is_rolled_back(deployed: Project) -> None:
    for environment, said in {"staging": "staging runs main", "production": "no environment 'production'"}.items():
        refused = call("rollback", "v1.0.0", "--environment", environment)
        assert refused.exit_code == 1
        assert said in refused.stderr
