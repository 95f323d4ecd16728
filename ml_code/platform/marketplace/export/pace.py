"""How much goes on at once: a bound of one export, and one that several exports may share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """At most `concurrency` requests and files at once; `overall` bounds all exports that were given the same one."""

    def __init__(self, concurrency: int, overall: threading.Semaphore | None = None) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency {concurrency}: expected 1 or more")
        self.concurrency = concurrency
        self._own = threading.BoundedSemaphore(concurrency)
        self._overall = overall or self._own

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for its turn; not to be asked for by who has one."""
        with self._own:
            if self._overall is self._own:
                yield
                return
            with self._overall:
                yield
