"""What many tests share: a real local workspace, started as a user starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.workspace import launch
from infra.workspace.launch import Running

# Tests run in two processes (pytest-xdist). What shares a deployment stays together, in its order; else a file does.
_NINETY_DAYS = "tests/ml_code/projects/hrob/test_ninety_days.py"
_TOGETHER = (
    "tests/e2e/test_release_line.py", "tests/e2e/test_marketplace.py", "tests/e2e", "tests/faults", "tests/ci/plan",
    "tests/ci/drift", "tests/ci/release", "tests/infra/workspace/tracking", "tests/infra/workspace/models",
    _NINETY_DAYS, "tests/ml_code/platform/marketplace", "tests/ml_code", "tests/stacks",
)  # fmt: skip
_ONE_FIXTURE = {"tests/ci/drift": "tests/ci/plan", "tests/infra/workspace/models": "tests/infra/workspace/tracking"}
# The longest first: what begins last must not be what everybody waits for.
_FIRST = (
    _NINETY_DAYS, "tests/e2e", "tests/ci/rehearsal", "tests/faults", "tests/ml_code", "tests/pipelines", "tests/ci"
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(_place(config, item))))
    items.sort(key=lambda item: _turn(_place(config, item)))  # stable: within a group nothing changes places


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Content is no name: it may differ between the two processes, which must collect the same tests."""
    return argname if isinstance(val, bytes) else None


def _place(config: pytest.Config, item: pytest.Item) -> str:
    return item.path.relative_to(config.rootpath).as_posix()


def _group(place: str) -> str:
    shared = next((prefix for prefix in _TOGETHER if place.startswith(prefix)), place)
    return _ONE_FIXTURE.get(shared, shared)


def _turn(place: str) -> int:
    found = (turn for turn, prefix in enumerate(_FIRST) if place.startswith(prefix))
    return 0 if place == _TOGETHER[0] else 1 + next(found, len(_FIRST))


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
