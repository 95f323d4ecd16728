"""State in a folder of this clone."""

from __future__ import annotations

import json
from pathlib import Path

from ci.errors import Trouble
from infra.settings.backends import LocalState

_LEFT_BY_TERRAFORM = (".tfstate", ".tfstate.backup")


class LocalFolder:
    """The folder, closed to other users: states may hold what is sensitive."""

    remote = False

    def __init__(self, backend: LocalState, root: Path, *, dry_run: bool = False) -> None:
        self.name = backend.directory
        self._folder = root / backend.directory
        self._dry_run = dry_run

    def exists(self) -> bool:
        """Whether the folder is there."""
        return self._folder.is_dir()

    def ensure(self) -> list[str]:
        """Makes the folder if it is missing; returns what was done, or would be in a dry run."""
        if self.exists():
            return []
        if not self._dry_run:
            self._folder.mkdir(mode=0o700, parents=True)
        return [f"folder {self.name}"]

    def remove(self, states: frozenset[str]) -> list[str]:
        """Removes the folder with its empty states; raises Trouble where any holds objects, or anything else is there.

        It reads the files, so that it need not be told which `states` there may be.
        """
        if not self.exists():
            return []
        files = sorted(self._folder.iterdir())
        strange = [path.name for path in files if not path.name.endswith(_LEFT_BY_TERRAFORM)]
        held = [path.name for path in files if path.name.endswith(".tfstate") and _holds_objects(path)]
        if strange or held:
            raise Trouble(f"{self.name} is not empty, it is left as it is: {', '.join([*held, *strange])}")
        if not self._dry_run:
            for path in files:
                path.unlink()
            self._folder.rmdir()
        return [f"folder {self.name}"]


def _holds_objects(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")).get("resources"))
    except (OSError, ValueError, AttributeError):
        return True  # what cannot be read is not thrown away
