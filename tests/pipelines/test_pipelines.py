"""What must hold of every pipeline without running it: the three are equal, hold no secret, and may do little."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pipelines import ROOT, azure_files, azure_lines, github_files, github_lines, jenkins_lines

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# What may log in; every other job gets no token for it.
LOGIN = {
    ("pull-request.yml", "plan"),
    ("pull-request.yml", "candidate"),
    ("pull-request-closed.yml", "destroy"),
    ("staging.yml", "deploy"),
    ("prod.yml", "plan"),
    ("prod.yml", "apply"),
    ("release-cut.yml", "cut"),
    ("rollback.yml", "plan"),
    ("rollback.yml", "rollback"),
    ("nightly.yml", "drift"),
    ("weekly.yml", "expire"),
    ("marketplace-approve.yml", "apply"),
}


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path.name, name, job) for path in WORKFLOWS for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    ]


def triggers(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    return dict(content[True])  # YAML 1.1 reads the key "on" as true


def test_the_three_systems_run_the_same_commands() -> None:
    github, azure, jenkins = (
        {line.text for line in lines if line.is_ours} for lines in (github_lines(), azure_lines(), jenkins_lines())
    )
    assert len(github) > 15
    assert github == azure
    assert github == jenkins


def test_everything_else_only_carries_files_and_words() -> None:
    allowed = {"git", "cat", "cp", "mv", "mkdir", "sed", "echo", "gh", "for", "if", "else", "fi", 'open="$(gh'}
    for line in [*github_lines(), *azure_lines(), *jenkins_lines()]:
        if not line.is_ours:
            assert line.text.split()[0] in allowed, f"{line.file}: {line.text}"


@pytest.mark.parametrize("tool", ["actionlint", "zizmor"])
def test_linters_find_nothing(tool: str) -> None:
    found = shutil.which(tool, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{tool} is missing: make setup"
    options = {
        "actionlint": ["-no-color", *map(str, WORKFLOWS)],
        "zizmor": ["--offline", "--no-progress", "--min-severity", "medium", ".github"],
    }
    done = subprocess.run([found, *options[tool]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_commit() -> None:
    uses = [line.strip(" -") for path in github_files() for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert line == "uses: ./.github/actions/setup" or PINNED.fullmatch(line), line


def test_one_commit_an_action() -> None:
    """Two pins of one action differ only where one of them was forgotten."""
    pins = set(re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", "".join(path.read_text() for path in github_files())))
    assert len({action for action, _ in pins}) == len(pins)


def test_only_what_logs_in_may_ask_for_a_token() -> None:
    asking = {(file, name) for file, name, job in jobs() if job.get("permissions", {}).get("id-token") == "write"}
    assert asking == LOGIN
    for file, name, job in jobs():
        assert ("environment" in job) == ((file, name) in LOGIN), f"{file} {name}"


def test_no_workflow_may_do_more_than_read() -> None:
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}, path.name
    writes = {(file, name) for file, name, job in jobs() if job.get("permissions", {}).get("contents") == "write"}
    assert writes == {("release-cut.yml", "cut"), ("rollback.yml", "rollback")}


def test_forks_never_meet_credentials() -> None:
    for path in WORKFLOWS:
        assert "pull_request_target" not in triggers(path)
        assert "workflow_run" not in triggers(path)
    for file, name, job in jobs():
        if file.startswith("pull-request") and "environment" in job:
            assert job["if"] == "github.event.pull_request.head.repo.full_name == github.repository", name


def test_no_stored_secret() -> None:
    for path in [*github_files(), *azure_files()]:
        assert not re.search(r"secrets\.|DATABRICKS_TOKEN\b|CLIENT_SECRET", path.read_text()), path.name


def test_nothing_from_outside_is_pasted_into_a_shell() -> None:
    for line in [*github_lines(), *azure_lines()]:
        assert "${{" not in line.text, f"{line.file}: {line.text}"
    assert not re.search(r"\$\((Build|System)\.(Source|Pull|Requested)", "".join(line.text for line in azure_lines()))
    for line in jenkins_lines():
        assert "${params" not in line.text
        assert "${env" not in line.text


def test_deployments_wait_for_each_other_and_are_never_cancelled() -> None:
    for file, name, job in jobs():
        if (file, name) in LOGIN and (file, name) not in {("pull-request.yml", "plan")}:
            cancels = job.get("concurrency", {}).get("cancel-in-progress", False)
            assert cancels is False, f"{file} {name}"
    groups = {(file, name): job.get("concurrency", {}).get("group") for file, name, job in jobs()}
    assert groups["prod.yml", "apply"] == groups["rollback.yml", "rollback"] == "deploy-prod"
    assert groups["staging.yml", "deploy"] == "deploy-staging"
    assert groups["pull-request.yml", "candidate"] == groups["pull-request-closed.yml", "destroy"]


def test_every_job_has_an_end() -> None:
    for file, name, job in jobs():
        assert isinstance(job.get("timeout-minutes"), int), f"{file} {name}"
    for path in azure_files():
        text = path.read_text()
        assert len(re.findall(r"- (?:job|deployment):", text)) == text.count("timeoutInMinutes:"), path.name


def test_no_binary_plan_leaves_the_runner() -> None:
    for path in [*github_files(), *azure_files(), ROOT / "Jenkinsfile"]:
        assert "tfplan" not in path.read_text()


def test_code_owners_name_what_is_there() -> None:
    lines = (ROOT / ".github/CODEOWNERS").read_text().splitlines()
    owned = [line.split()[0] for line in lines if line.startswith("/")]
    assert {"/infra/policies/", "/stacks/", "/.github/", "/ci/"} <= set(owned)
    for path in owned:
        assert (ROOT / path.strip("/")).exists(), path
