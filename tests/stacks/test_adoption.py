"""An object that exists already comes under a stack: imported by Terraform, not made anew."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.workspace import launch
from infra.workspace.launch import Running

pytestmark = pytest.mark.e2e


def terraform(folder: Path, running: Running, *arguments: str) -> str:
    environment = {**os.environ, **launch.environment(running), "CHECKPOINT_DISABLE": "1"}
    command = ["terraform", *arguments, "-no-color", "-input=false"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_existing_catalog_and_group_are_adopted(
    start_workspace: Callable[..., Running],
    clone: Path,
    folder: Path,
    synthesized: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    running = start_workspace()
    running.call("POST", "/api/2.1/unity-catalog/catalogs", json={"name": "dev", "comment": "made by hand"})
    group = running.call("POST", "/api/2.0/preview/scim/v2/Groups", json={"displayName": "branchline-engineers"})
    with (folder / "dev.yaml").open("a") as file:
        file.write(f'adopt:\n  databricks_catalog.catalog: dev\n  databricks_group.engineers: "{group["id"]}"\n')
    synthesized(clone, folder, ENVIRONMENTS="dev")
    stack = tmp_path / "out-0" / "stacks" / "dev-admin"

    terraform(stack, running, "init")
    applied = terraform(stack, running, "apply", "-auto-approve")

    assert "2 imported" in applied
    assert "databricks_catalog.catalog: Import complete [id=dev]" in applied
    catalog = running.call("GET", "/api/2.1/unity-catalog/catalogs/dev")
    assert catalog["comment"] == "Data and models of dev"
    groups = running.call("GET", "/api/2.0/preview/scim/v2/Groups")["Resources"]
    assert [g["id"] for g in groups if g["displayName"] == "branchline-engineers"] == [group["id"]]
    assert "No changes." in terraform(stack, running, "plan")
