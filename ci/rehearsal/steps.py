"""The rehearsal's parts: when each began, how long it took, and its log; several go on at once."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.demo.steps import clean
from ci.rehearsal.model import Step
from ci.rehearsal.request import Progress
from ci.rehearsal.words import visible

_TAIL_LINES, _LONGEST_LINE = 40, 400


class Steps:
    """Times and announces parts; safe to use from several threads."""

    def __init__(self, logs: Path, announce: Callable[[Progress], None]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._announce = announce
        self._lock = threading.Lock()
        self._done: list[Step] = []
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return round(time.monotonic() - self._start, 2)

    def done(self) -> tuple[Step, ...]:
        """What has ended, in the order in which it began."""
        with self._lock:
            return tuple(sorted(self._done, key=lambda step: step.began))

    @contextmanager
    def step(self, name: str) -> Iterator[Log]:
        """Times what is done in it, and yields the log for it."""
        name = visible(name)
        began, failed = self.elapsed, True
        self._tell(Progress(step=name))
        try:
            yield Log(self._logs / f"{re.sub(r'[^a-zA-Z0-9]+', '-', name).strip('-').lower()}.log")
            failed = False
        finally:
            seconds = round(self.elapsed - began, 2)
            with self._lock:
                self._done.append(Step(name=name, began=began, seconds=seconds))
            self._tell(Progress(step=name, seconds=seconds, failed=failed))

    def _tell(self, progress: Progress) -> None:
        with self._lock:
            self._announce(progress)


class Log:
    """One part's log file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(clean(line).rstrip("\n") + "\n")

    def tail(self) -> str:
        """Its last lines."""
        if not self._path.exists():
            return ""
        return tail(self._path.read_text(encoding="utf-8", errors="replace"))


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of a text, without a terminal's colours; long lines are cut."""
    kept = clean(text).strip().splitlines()[-lines:]
    return "\n".join(line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…" for line in kept)
