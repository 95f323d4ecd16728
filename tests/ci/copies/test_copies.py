"""Copies against a local workspace: deployed, found, and removed though branch or state is gone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.clone import Clone, CommandFailed, run
from tests.support.deployment import QUIET, Deployment, git_url, inventory

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@dataclass(frozen=True)
class Line:
    """A clone with a workspace in which dev's admin stack is deployed."""

    clone: Clone
    workspace: Running

    def copies(self, *words: str, **variables: str) -> str:
        own = {"PYTHONPATH": str(self.clone.path), "BRANCHLINE_DATA_DIR": str(self.workspace.data_dir)}
        command = str(Path(sys.executable).parent / "branchline")
        return run([command, "copies", *words], self.clone.path, {**QUIET, **own, **variables})

    def branch(self, name: str) -> str:
        return self.clone.commit(name, {"docs/note.md": f"a note of {name}\n"})


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("copies")
    clone = Clone(folder)
    workspace = launch.start(folder / "workspace", port=0, repos={git_url(): str(clone.remote)})
    deployment = Deployment(clone, workspace)
    try:
        clone.cdktf("deploy", "dev-admin", environment=deployment.environment())
        yield Line(clone, workspace)
    finally:
        launch.stop(folder / "workspace")


def test_a_copy_is_deployed_once_and_removed_after_its_branch(line: Line) -> None:
    before = inventory(line.workspace)
    commit = line.branch("feature/one")
    said = line.copies("deploy", "--branch", "refs/heads/feature/one", "--commit", commit)
    assert re.search(r"[3-9]\d changes", said)
    assert "no changes" in line.copies("deploy", "--branch", "feature/one", "--commit", commit)
    assert "feature/one" in line.copies("list")
    jobs = line.workspace.call("GET", "/api/2.2/jobs/list", params={"name": "feature-one-dev-hrob-training"})["jobs"]
    job = line.workspace.call("GET", "/api/2.2/jobs/get", params={"job_id": jobs[0]["job_id"]})
    assert job["settings"]["git_source"]["git_commit"] == commit
    line.clone.git("branch", "-D", "feature/one")
    line.clone.git("push", "-q", "origin", "--delete", "feature/one")
    assert "feature/one" in line.copies("expire", "--gone", "--dry-run")
    assert re.search(r"[3-9]\d objects by its state", line.copies("expire", "--gone"))
    assert inventory(line.workspace) == before
    assert "feature/one has no copy" in line.copies("destroy", "--branch", "feature/one", "--yes")


def test_a_copy_whose_state_is_elsewhere_is_removed_by_its_names(line: Line) -> None:
    before = inventory(line.workspace)
    line.branch("feature/two")
    # As its own service principal deploys it: a developer's runner need not be an administrator's.
    login = launch.environment(line.workspace, "branchline-dev")
    line.copies("deploy", "--branch", "feature/two", **login)
    assert "no changes" in line.copies("deploy", "--branch", "feature/two", **login)
    (line.clone.path / ".branchline/state/dev.feature-two.tfstate").unlink()
    shutil.rmtree(line.clone.path / ".branchline/copies/feature-two")
    said = line.copies("destroy", "--branch", "feature/two", "--yes", **login)
    assert "schema dev.hrob_feature_two with all that was in it" in said
    assert "job feature-two-dev-hrob-landing" in said
    assert "alert feature-two-dev-hrob-auc" in said
    assert "dashboard feature-two-dev-hrob-monitoring" in said
    assert inventory(line.workspace) == before
    assert "no copies of dev" in line.copies("list")


def test_a_schema_of_that_name_that_is_no_copy_is_left(line: Line) -> None:
    schemas = "/api/2.1/unity-catalog/schemas"
    line.workspace.call("POST", schemas, json={"catalog_name": "dev", "name": "hrob_feature_three"})
    with pytest.raises(CommandFailed, match="has the name of feature/three's copy but not its tags"):
        line.copies("destroy", "--branch", "feature/three", "--yes")
    assert line.workspace.call("GET", f"{schemas}/dev.hrob_feature_three")["name"] == "hrob_feature_three"
    line.workspace.call("DELETE", f"{schemas}/dev.hrob_feature_three")


def test_an_environments_own_branch_is_no_copy(line: Line) -> None:
    for verb in (["deploy"], ["destroy", "--yes"], ["train"]):
        with pytest.raises(CommandFailed, match="main is the branch of staging itself"):
            line.copies(*verb, "--branch", "main")


def test_nothing_is_deleted_unasked(line: Line) -> None:
    with pytest.raises(CommandFailed, match="say --yes"):
        line.copies("destroy", "--branch", "feature/one")


def test_training_without_a_copy_says_what_to_do(line: Line) -> None:
    with pytest.raises(CommandFailed, match="copies deploy --branch feature/none"):
        line.copies("train", "--branch", "feature/none")


def test_a_branch_that_is_not_here_is_not_deployed(line: Line) -> None:
    with pytest.raises(CommandFailed, match="neither in this clone nor at origin"):
        line.copies("deploy", "--branch", "feature/nowhere")


def test_the_empty_stack_has_the_copys_state_and_no_resource(line: Line, tmp_path: Path) -> None:
    """Were it another state, applying it would destroy that environment."""
    done = subprocess.run(
        [sys.executable, "-m", "stacks.removal", "feature/gone-for-long"],
        cwd=line.clone.path,
        env={**os.environ, "CDKTF_OUTDIR": str(tmp_path), "PYTHONPATH": str(line.clone.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "stacks/dev/cdk.tf.json").read_text()
    assert "dev.feature-gone-for-long.tfstate" in text
    assert '"resource"' not in text
