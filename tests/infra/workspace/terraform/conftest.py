"""Terraform projects against a real local workspace, run with the real `terraform`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.workspace import launch
from infra.workspace.launch import Running

PROVIDER = """
terraform {
  required_providers {
    databricks = { source = "databricks/databricks" }
  }
}
variable "databricks_host" {
  type      = string
  default   = null
  ephemeral = true
}
variable "databricks_token" {
  type      = string
  default   = null
  ephemeral = true
}
provider "databricks" {
  host  = var.databricks_host
  token = var.databricks_token
}
"""


class Project:
    """A folder of HCL and the environment that terraform runs it in."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, hcl: str) -> Project:
        (self.folder / "main.tf").write_text(PROVIDER + hcl, encoding="utf-8")
        if not (self.folder / ".terraform").exists():
            self.must("init")
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.folder,
            env={**kept, **self.environment, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            timeout=240,
        )

    def must(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def apply(self) -> None:
        self.must("apply", "-auto-approve")

    def destroy(self) -> None:
        self.must("destroy", "-auto-approve")

    def changes(self) -> dict[str, list[str]]:
        """What a plan would do, by address; empty when it would do nothing."""
        self.must("plan", "-out=plan.bin")
        plan = json.loads(self.run("show", "-json", "plan.bin").stdout)
        actions = {each["address"]: each["change"]["actions"] for each in plan.get("resource_changes", [])}
        return {address: done for address, done in actions.items() if done not in (["no-op"], ["read"])}

    def outputs(self) -> dict[str, Any]:
        return {name: each["value"] for name, each in json.loads(self.must("output", "-json")).items()}

    def state(self) -> dict[str, dict[str, Any]]:
        """Attributes of the managed resources by address."""
        resources = json.loads(self.must("state", "pull"))["resources"]
        return {f"{each['type']}.{each['name']}": each["instances"][0]["attributes"] for each in resources}


@pytest.fixture
def project(tmp_path: Path, workspace: Running) -> Callable[..., Project]:
    """Makes projects as the workspace's admin, or as the principal whose name is given."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")

    def make(name: str = "project", principal: str | None = None, **variables: str) -> Project:
        return Project(tmp_path / name, {**launch.environment(workspace, principal), **variables})

    return make
