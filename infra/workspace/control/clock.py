"""The workspace's clock: real time, plus what a test has advanced it by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents


class Clock:
    """UTC now; `advance` moves it forward for good (across restarts, given a store) and wakes whoever waits on it."""

    def __init__(self, store: Store | None = None) -> None:
        self._kept = Documents(store, "clock") if store else None
        kept = self._kept.get("offset") if self._kept else None
        self._offset = timedelta(seconds=kept["seconds"]) if kept else timedelta()
        self._moved = threading.Condition()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def now_ms(self) -> int:
        return int(time.time() * 1000 + self._offset.total_seconds() * 1000)

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock forward; raises ValueError for a step back, which no schedule could live with."""
        if by < timedelta():
            raise ValueError("the clock only moves forward")
        with self._moved:
            if self._kept:
                self._kept.put("offset", {"seconds": (self._offset + by).total_seconds()})
            self._offset += by
            self._moved.notify_all()
        for listener in self._listeners:
            listener()
        return self.now()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after every advance, in the thread that advanced the clock."""
        self._listeners.append(listener)

    def wait_until(self, moment: datetime, stop: threading.Event) -> bool:
        """Waits until `moment` has come (True) or `stop` is set (False; noticed within half a second)."""
        with self._moved:
            while not stop.is_set():
                remaining = (moment - self.now()).total_seconds()
                if remaining <= 0:
                    return True
                self._moved.wait(timeout=min(remaining, 0.5))
        return False
