"""One deployed clone for the tests of apply."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.workspace import launch
from tests.support.line import Line


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Nothing is deployed yet."""
    line = Line(tmp_path_factory.mktemp("line"))
    yield line
    launch.stop(line.data_dir)
