"""How far an export is: one line, at most every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ml_code.platform.marketplace.export.outcome import Outcome, in_bytes

_EVERY = 5.0


class Progress:
    """Counts versions and bytes; `say` takes the lines. Threads may tell of their bytes at once."""

    def __init__(self, versions: int, say: Callable[[str], None], every: float = _EVERY) -> None:
        self._versions = versions
        self._say = say
        self._every = every
        self._started = self._said = time.monotonic()
        self._lock = threading.Lock()
        self._read = 0
        self._done = 0
        self._failed = 0

    def read(self, size: int) -> None:
        """Bytes came from the registry."""
        with self._lock:
            self._read += size

    def outcome(self, outcome: Outcome) -> None:
        """A version is done with; one that failed is told at once."""
        self._done += 1
        if outcome.status == "failed":
            self._failed += 1
            self._say(f"{outcome.model} v{outcome.version} failed: {outcome.reason}")

    def tick(self, written: int) -> None:
        """Says how far it is, if the last line is long enough ago."""
        now = time.monotonic()
        if now - self._said < self._every:
            return
        self._said, seconds = now, now - self._started
        failed = f", {self._failed} failed" if self._failed else ""
        speed = in_bytes(self._read / seconds)
        self._say(
            f"{self._done} of {self._versions} versions{failed}; {in_bytes(self._read)} read ({speed}/s), "
            f"{in_bytes(written)} written{self._left(seconds)}"
        )

    def _left(self, seconds: float) -> str:
        if not self._done or self._done >= self._versions:
            return ""
        left = seconds / self._done * (self._versions - self._done)
        return f", about {left:.0f} s left" if left < 90 else f", about {left / 60:.0f} min left"
