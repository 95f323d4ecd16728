"""The note that a running workspace leaves in its data folder, so that others find it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_FILE = "workspace.json"
_TOKEN_FILE = "admin.token"  # noqa: S105 - a file's name, not a secret


@dataclass(frozen=True)
class Record:
    """Where a workspace listens; `pid` with `started` names one process for certain, also after pids wrapped."""

    pid: int
    started: float
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
        return process_started(self.pid) == self.started


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


def process_started(pid: int) -> float | None:
    """When a process started, in an arbitrary but stable unit; None if there is no such process (or a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return _started_without_proc(pid)
    return None if fields[0] == "Z" else float(fields[19])


def _started_without_proc(pid: int) -> float | None:
    """Without /proc (macOS): whether the process exists is all there is to know."""
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    return 0.0


def _write_private(path: Path, text: str) -> None:
    """Written whole or not at all, and readable by its owner only."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
