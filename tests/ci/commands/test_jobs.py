"""`branchline jobs` on a real local workspace whose jobs run a small repository."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import (
    GitProvider,
    GitSource,
    JobParameterDefinition,
    Source,
    SparkPythonTask,
    Task,
    TaskDependency,
)
from typer.testing import CliRunner, Result

from ci.main import app
from infra.workspace.launch import Running

URL = "https://github.com/branchline-example/small.git"
SCRIPT = """
import pathlib, sys
print("working on", sys.argv[1])
if sys.argv[1] == "broken":
    raise ValueError("the column weight is missing")
"""
runner = CliRunner()


@pytest.fixture
def workspace_with_job(
    tmp_path: Path, start_workspace: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> WorkspaceClient:
    repository = tmp_path / "small"
    repository.mkdir()
    (repository / "step.py").write_text(SCRIPT)
    identity = ["-c", "user.name=A Scientist", "-c", "user.email=scientist@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "The step"]):
        subprocess.run(["git", "-C", str(repository), *arguments], check=True)
    running = start_workspace(repos={URL: str(repository)})
    monkeypatch.setenv("DATABRICKS_HOST", running.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", running.token)
    client = WorkspaceClient(host=running.url, token=running.token)
    first = SparkPythonTask("step.py", ["{{job.parameters.what}}"], Source.GIT)
    second = SparkPythonTask("step.py", ["the rest"], Source.GIT)
    client.jobs.create(
        name="dev-small-training",
        git_source=GitSource(URL, GitProvider.GIT_HUB, git_branch="main"),
        parameters=[JobParameterDefinition("what", "the data")],
        tasks=[
            Task("first", spark_python_task=first),
            Task("second", depends_on=[TaskDependency("first")], spark_python_task=second),
        ],
    )
    return client


def call(*arguments: str) -> Result:
    return runner.invoke(app, ["jobs", *arguments])


def run_of(said: str) -> str:
    found = re.search(r"run (\d+) of dev-small-training started", said)
    assert found, said
    return found[1]


def test_a_run_is_followed_and_its_logs_are_told(workspace_with_job: WorkspaceClient) -> None:
    followed = call("run", "training", "--follow")
    assert followed.exit_code == 0, followed.output
    assert re.search(r"^first: SUCCESS after", followed.stdout, re.MULTILINE)
    logs = call("logs", run_of(followed.stdout), "--task", "first")
    assert logs.stdout.strip() == "working on the data"
    assert "second" not in logs.stderr
    listed = call("list").stdout
    assert "dev-small-training" in listed
    assert "SUCCESS" in listed


def test_a_failure_is_told_with_its_log_and_an_honest_exit_code(workspace_with_job: WorkspaceClient) -> None:
    followed = call("run", "dev-small-training", "--param", "what=broken", "--follow")
    assert followed.exit_code == 1
    assert "── first" in followed.stderr
    assert "── second" not in followed.stderr
    assert "ValueError: the column weight is missing" in followed.stderr
    assert followed.stderr.count("ValueError: the column weight is missing") == 1
    run = run_of(followed.stdout)
    repaired = call("repair", run, "--follow")
    assert repaired.exit_code == 1
    assert "attempt" not in repaired.stderr
    again = call("repair", run)
    assert again.exit_code == 0, again.output


def test_what_is_over_is_neither_cancelled_nor_repaired(workspace_with_job: WorkspaceClient) -> None:
    run = run_of(call("run", "training", "--follow").stdout)
    for verb, said in (("cancel", "is over already"), ("repair", "nothing to repair")):
        refused = call(verb, run)
        assert refused.exit_code == 1
        assert said in refused.stderr


def test_unknown_names_are_told_with_the_known_ones(workspace_with_job: WorkspaceClient) -> None:
    refused = call("run", "scoring")
    assert refused.exit_code == 1
    assert "dev-small-training" in refused.stderr
    refused = call("logs", "987654321")
    assert refused.exit_code == 1
    assert "Traceback" not in refused.output
