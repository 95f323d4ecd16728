"""Settings that a test may spoil, and clones to read branches from."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.settings.loader import FOLDER

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's own settings files."""
    target = tmp_path / "settings"
    target.mkdir()
    for file in FOLDER.glob("*.yaml"):
        shutil.copy(file, target)
    return target


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replaces a text in one of the files; the text must be there."""

    def replace(file: str, old: str, new: str) -> None:
        path = folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return replace
