from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.infra.workspace.tracking.rooms import Someone, Workspace, served


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The rooms on one data folder, with MLflow's real server; tests keep to names of their own."""
    with served(tmp_path_factory.mktemp("tracking")) as running:
        yield running


@pytest.fixture(scope="session")
def staging(workspace: Workspace) -> Someone:
    return workspace.own_environment("staging")


@pytest.fixture(scope="session")
def prod(workspace: Workspace) -> Someone:
    return workspace.own_environment("prod")
