from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.release.line import load_line
from infra.workspace import launch
from tests.ci.release.prod import Prod
from tests.ci.release.repo import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with its first commit."""
    made = Project(tmp_path)
    made.begin()
    return made


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prod]:
    folder = tmp_path_factory.mktemp("production")
    running = launch.start(folder, port=0)
    try:
        yield Prod(running, load_line().target)
    finally:
        launch.stop(folder)


@pytest.fixture
def prod(production: Prod) -> Iterator[Prod]:
    """Prod before its first deployment, in a workspace that the tests share."""
    production.begin()
    yield production
    production.clear()
