"""One deployment of all three environments for the end-to-end tests, which take it through a release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.workspace import launch
from tests.support.clone import Clone
from tests.support.deployment import Deployment, git_url, inventory


@dataclass(frozen=True)
class Deployed(Deployment):
    """What stood in the workspace before anything was deployed comes along."""

    before: dict[str, Any]


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    clone = Clone(folder)
    workspace = launch.start(folder / "workspace", port=0, repos={git_url(): str(clone.remote)})
    deployment = Deployed(clone, workspace, inventory(workspace))
    try:
        deployment.deploy_all()
        yield deployment
    finally:
        launch.stop(folder / "workspace")
