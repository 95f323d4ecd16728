"""The note that a running workspace leaves in its data folder, so that others find it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.workspace.process_identity import start_time

_FILE = "workspace.json"
_TOKEN_FILE = "admin.token"  # noqa: S105 - a file's name, not a secret


@dataclass(frozen=True)
class Record:
    """Where a workspace listens; `pid` with `started` names one process for certain, also after pids wrapped."""

    pid: int
    started: str
    url: str
    port: int
    provider_port: int
    workspace_id: int
    repos: dict[str, str]
    reattach: dict[str, Any]

    def write(self, data_dir: Path) -> None:
        _write_private(data_dir / _FILE, json.dumps(asdict(self), indent=2))

    @property
    def alive(self) -> bool:
        return start_time(self.pid) == self.started


def read_record(data_dir: Path) -> Record | None:
    """The note of the workspace that runs, or last ran, on this folder."""
    try:
        return Record(**json.loads((data_dir / _FILE).read_text()))
    except FileNotFoundError:
        return None


def write_admin_token(data_dir: Path, token: str) -> None:
    _write_private(data_dir / _TOKEN_FILE, token)


def read_admin_token(data_dir: Path) -> str | None:
    path = data_dir / _TOKEN_FILE
    return path.read_text().strip() if path.exists() else None


def _write_private(path: Path, text: str) -> None:
    """Written whole or not at all, and readable by its owner only."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
