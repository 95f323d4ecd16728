"""A task's log: what it prints goes through here, secrets taken out, before it reaches the disk."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from pathlib import Path

MAX_SHOWN = 5 * 1024 * 1024  # what runs/get-output gives at most, as Databricks does
_CHUNK = 1 << 16
_FLUSH_SECONDS = 0.3  # a line that stays unfinished this long is written as it is
_LONGEST_LINE = 1 << 20
_GAP = "[a part of the log could not be written]\n"


class LogPump:
    """Copies a pipe to a file line by line. Give `descriptor` to the process, then call `started`."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._redact = redact
        self._read, self.descriptor = os.pipe()
        self._finish = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._copy, name=f"log {path.name}", daemon=True)

    def started(self) -> None:
        """The process has its copy of the descriptor (or never will): ours closes, copying begins."""
        os.close(self.descriptor)
        self._thread.start()

    def close(self, timeout: float = 2.0) -> None:
        """Waits for what the process has written; a child that keeps the pipe open is not waited for."""
        self._finish.set()
        self._thread.join(timeout)

    def _copy(self) -> None:
        pending = b""
        with self._path.open("ab", buffering=0) as log:
            while True:
                ready, _, _ = select.select([self._read], [], [], _FLUSH_SECONDS)
                if not ready:
                    pending = self._write(log.write, pending, final=True)
                    if self._finish.is_set():
                        break
                    continue
                data = os.read(self._read, _CHUNK)
                pending = self._write(log.write, pending + data, final=not data)
                if not data:
                    break
        os.close(self._read)

    def _write(self, write: Callable[[bytes], object], data: bytes, *, final: bool) -> bytes:
        end = len(data) if final or len(data) > _LONGEST_LINE else data.rfind(b"\n") + 1
        if end:
            text = self._redact(data[:end].decode("utf-8", errors="replace"))
            try:
                write((_GAP if self._lost else "").encode() + text.encode())
                self._lost = False
            except OSError:  # the task goes on without its log: it would hang on a pipe that nobody reads
                self._lost = True
        return data[end:]


def tail(path: Path) -> tuple[str, bool]:
    """The end of a log and whether more stood before it."""
    if not path.exists():
        return "", False
    size = path.stat().st_size
    with path.open("rb") as log:
        log.seek(max(0, size - MAX_SHOWN))
        return log.read().decode("utf-8", errors="replace"), size > MAX_SHOWN


def read_from(path: Path, offset: int) -> tuple[str, int]:
    """The log from byte `offset` on, whole characters only, and the offset to ask for next."""
    if not path.exists():
        return "", offset
    with path.open("rb") as log:
        log.seek(offset)
        data = log.read(MAX_SHOWN)
    for cut in range(4):  # a character of up to four bytes may be half written
        whole = data[: len(data) - cut]
        try:
            return whole.decode("utf-8"), offset + len(whole)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", errors="replace"), offset + len(data)
