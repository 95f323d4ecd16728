"""What many tests share: a real local workspace, started as a user starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.workspace import launch
from infra.workspace.launch import Running


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One workspace for all tests that leave it as they found it."""
    data_dir = tmp_path_factory.mktemp("workspace")
    yield launch.start(data_dir, port=0)
    launch.stop(data_dir)


@pytest.fixture
def start_workspace(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts workspaces of a test's own; whatever it started is stopped with the test."""
    started: list[Path] = []

    def start(name: str = "workspace", **options: object) -> Running:
        data_dir = tmp_path / name
        started.append(data_dir)
        return launch.start(data_dir, **{"port": 0, **options})  # type: ignore[arg-type] # options are launch.start's own

    yield start
    for data_dir in started:
        launch.stop(data_dir)
