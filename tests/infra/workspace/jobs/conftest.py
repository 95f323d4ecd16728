"""A jobs room on real rooms, with a repository of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jobs_room import URL, Repository, Room, open_room


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def room(tmp_path: Path, repository: Repository) -> Iterator[Room]:
    opened = open_room(tmp_path / "data", {URL: str(repository.path)})
    yield opened
    opened.stop()
