"""One holder at a time, by the storage alone: a file that only one can create.

A lease is a row of numbered files. Who creates the next number holds it; a number that has run out is stepped over, so
two who take over a dead holder's lease at once cannot both have it. Numbers only go up: what is let go stays, ended,
until it is the last but one, because a listing may miss both a file that is removed and one that is made meanwhile.
Clocks may differ by less than a lease lasts.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.storage import Storage, StorageError

_UNREADABLE = 60.0
"""Seconds that a lease is respected whose content is not there yet."""


class Leased(StepError):
    """Someone else holds the lease, or took it over."""


@dataclass(frozen=True)
class _Holder:
    token: str
    holder: str
    process: str
    until: float
    """Seconds since the epoch."""

    @property
    def alive(self) -> bool:
        return self.until > time.time() and not _dead(self.process)


@contextmanager
def lease(storage: Storage, name: str, seconds: float) -> Iterator[None]:
    """Holds the lease while the block runs, renewed every third of `seconds`.

    Raises Leased; also at the end, where the lease could not be renewed and may have become another's.
    """
    held = _Held(storage, name, seconds)
    held.take()
    renewer = threading.Thread(target=held.renew, name=f"lease {name}", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        held.done.set()
        renewer.join()
        held.release()
    if held.lost:
        raise Leased(f"lease {name}: ran out while this run held it, and may be another's: run again")


class _Held:
    def __init__(self, storage: Storage, name: str, seconds: float) -> None:
        self.done = threading.Event()
        self.lost = False
        self._storage = storage
        self._name = name
        self._seconds = seconds
        self._folder = f"leases/{quote(name, safe='')}"
        self._path = ""
        self._token = uuid.uuid4().hex
        self._until = 0.0

    def take(self) -> None:
        taken = self._storage.find(self._folder)
        if taken and ((found := self._read(taken[-1])) is None or found.alive):
            raise _leased(self._name, found)  # gone meanwhile: others hold later numbers
        number = int(taken[-1].rsplit("/", 1)[-1].removesuffix(".json")) + 1 if taken else 1
        self._path = f"{self._folder}/{number:012}.json"
        self._storage.create(self._path, self._document())
        # What is read back decides: a storage that ignores conditions lets two create the same name, and a creation
        # whose answer was lost is refused when it is tried again.
        found = self._read(self._path)
        if found is None or found.token != self._token:
            raise _leased(self._name, found)
        for old in taken[:-1]:
            self._storage.remove(old)

    def renew(self) -> None:
        while not self.done.wait(self._seconds / 3):
            try:
                if time.time() > self._until or self._storage.find(self._folder)[-1:] != [self._path]:
                    self.lost = True
                    return
                self._storage.write(self._path, self._document())
            except StorageError:
                continue  # it has some time yet

    def release(self) -> None:
        if not self.lost:
            self._storage.write(self._path, self._document(seconds=0))

    def _document(self, seconds: float | None = None) -> bytes:
        self._until = time.time() + (self._seconds if seconds is None else seconds)
        who = f"{socket.gethostname()}, process {os.getpid()}"
        return json.dumps(asdict(_Holder(self._token, who, _process(os.getpid()), self._until))).encode()

    def _read(self, path: str) -> _Holder | None:
        content = self._storage.read(path)
        if content is None:
            return None
        try:
            return _Holder(**json.loads(content))
        except (ValueError, TypeError):
            return _Holder("", "an unknown process", "", self._storage.modified(path) + _UNREADABLE)


def _process(pid: int) -> str:
    """A process for ever: boot, process namespace, number, start; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
        # The second field may contain blanks; the start is the 22nd, the 20th after its closing parenthesis.
        start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot} {namespace} {pid} {start}"


def _dead(process: str) -> bool:
    """Whether a process of this very machine is gone: its lease need not run out. Of others nothing is known."""
    here = _process(os.getpid()).split()
    then = process.split()
    return len(here) == len(then) == 4 and here[:2] == then[:2] and _process(int(then[2])) != process


def _leased(name: str, found: _Holder | None) -> Leased:
    if found is None:
        return Leased(f"lease {name}: another run took it at the same moment: run again")
    until = datetime.fromtimestamp(found.until, UTC).isoformat(timespec="seconds")
    return Leased(
        f"lease {name}: held by {found.holder} until {until}: wait for that run to end; if it was killed, its lease "
        "runs out by itself then"
    )
