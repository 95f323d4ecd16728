"""The folders that rehearsals work in: each gone with its rehearsal, or with the next one if that was killed."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from infra.workspace import launch

_LOCK, _KEPT = ".lock", ".kept"
_WORKSPACE = "workspace"


@contextmanager
def own_folder(home: Path) -> Iterator[Path]:
    """A new folder below `home`; afterwards its workspace is stopped and it is removed, unless it is to be kept."""
    home.mkdir(parents=True, exist_ok=True)
    folder = home / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    with (home / _LOCK).open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # nobody sweeps a folder away before its lock is held
        _sweep(home)
        folder.mkdir()
        lock = (folder / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    with lock:
        try:
            yield folder
        finally:
            if not (folder / _KEPT).exists():
                _remove(folder)


def keep_folder(folder: Path) -> None:
    """Lets the folder, and the workspace that runs in it, stay."""
    (folder / _KEPT).touch()


def _sweep(home: Path) -> None:
    """Removes what rehearsals left that were killed: nobody holds their locks."""
    for folder in home.iterdir():
        if not (folder / _LOCK).exists() or (folder / _KEPT).exists():
            continue
        with (folder / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _remove(folder)


def _remove(folder: Path) -> None:
    launch.stop(folder / _WORKSPACE)
    shutil.rmtree(folder, ignore_errors=True)
