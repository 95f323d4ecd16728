"""What tells a process from a later one with the same id. Light to import: the launcher waits for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def start_time(pid: int) -> str | None:
    """When a process started, comparable with earlier answers for equality only; None if there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.parent.parent.joinpath("self").exists():
        return _listed_start(pid)
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{_boot_id()} {fields[19]}"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _listed_start(pid: int) -> str | None:
    """Without /proc (macOS): what `ps` says, in words that do not depend on who asks."""
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )
    return listed.stdout.strip() or None
