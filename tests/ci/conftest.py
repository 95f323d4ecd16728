"""One environment, deployed once by our own runner, for tests that leave it as they found it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.terraform.credentials import Credentials
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import synthesize
from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.clone import Clone
from tests.support.deployment import git_url


@dataclass(frozen=True)
class Line:
    """A clone, the workspace that dev is deployed to, and as whom."""

    clone: Clone
    workspace: Running
    credentials: Credentials

    @property
    def root(self) -> Path:
        return self.clone.path


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("line")
    clone = Clone(folder)
    workspace = launch.start(folder / "workspace", port=0, repos={git_url(): str(clone.remote)})
    found = Line(clone, workspace, Credentials(data_dir=folder / "workspace", environment={}))
    try:
        synthesis = synthesize(
            ["dev"], clone.path / ".branchline/synth", root=clone.path, variables={**os.environ, "BRANCH": "dev"}
        )
        for stack in synthesis.of(["dev"]):
            terraform = Terraform(stack, found.credentials.variables("dev", stack.kind))
            terraform.init()
            terraform.plan(lock=True)
            terraform.apply_planned()
        yield found
    finally:
        launch.stop(folder / "workspace")
