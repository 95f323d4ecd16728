"""Processes that outlive a call: known by id and start time, so that a restart can end what a crash left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from infra.workspace.process_identity import start_time
from infra.workspace.store.database import Store

MARKER = "BRANCHLINE_PROCESS"
_GRACE_SECONDS = 2.0


def end_group(pid: int, alive: Callable[[], bool], grace: float = _GRACE_SECONDS) -> None:
    """Ends the process group that `pid` leads: SIGTERM, `grace` seconds, SIGKILL to what is left of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while alive() and time.monotonic() < deadline:
            time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end_marked(marker: str) -> None:
    """Ends every process that carries the marker in its environment: children that left their task's group."""
    wanted = f"{MARKER}={marker}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            marked = wanted in entry.joinpath("environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked and int(entry.name) != os.getpid():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(entry.name), signal.SIGKILL)


class ProcessRegistry:
    """The group leaders that this workspace has started and not yet seen end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.schema(
            "processes",
            "CREATE TABLE IF NOT EXISTS processes"
            " (pid INTEGER PRIMARY KEY, started TEXT NOT NULL, marker TEXT NOT NULL);",
        )

    def add(self, pid: int, marker: str) -> None:
        started = start_time(pid)
        if started is None:
            return
        with self._store.write() as tx:
            tx.execute("INSERT OR REPLACE INTO processes VALUES (?, ?, ?)", (pid, started, marker))

    def remove(self, pid: int) -> None:
        with self._store.write() as tx:
            tx.execute("DELETE FROM processes WHERE pid = ?", (pid,))

    def end_orphans(self) -> int:
        """Kills what a workspace that was killed left running; returns how many group leaders that were."""
        ended = 0
        for row in self._store.rows("SELECT pid, started, marker FROM processes"):
            pid = int(row["pid"])
            if start_time(pid) == row["started"]:
                end_group(pid, lambda: False)
                ended += 1
            end_marked(row["marker"])
            self.remove(pid)
        return ended
