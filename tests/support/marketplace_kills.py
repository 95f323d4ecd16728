"""Exports and imports that are killed: every attempt is a process of its own that ends itself at its n-th step.

A step is what Python's audit events tell of: a file opened, a name moved or removed, a request sent. Attempts are
forked from one process that has everything loaded, so that most of their time is work.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from tests.support.marketplace_servers import clean

_ROOT = Path(__file__).parents[2]
_STEPS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.link", "http.client.send", "socket.connect"})
_FAILED = 3


@dataclass(frozen=True)
class Attempt:
    """What to do; with `steps` or `seconds` it is killed then, unless it has ended."""

    what: str
    """export or import."""
    uri: str
    archive: str
    workspace: str
    models: str = "*"
    steps: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How it ended: killed or not, after how many steps and seconds."""

    killed: bool
    steps: int
    seconds: float
    error: str


class Killer:
    """The process that attempts are forked from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def attempt(self, attempt: Attempt) -> Ended:
        """Makes it and waits for its end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(attempt)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that attempts are forked from has ended"
        return Ended(**json.loads(answer))


@contextlib.contextmanager
def killer() -> Iterator[Killer]:
    command = [sys.executable, "-m", "tests.support.marketplace_kills"]
    process = subprocess.Popen(
        command, cwd=_ROOT, env=clean(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Killer(process)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(60)


def _serve(orders: IO[str], answers: IO[str]) -> None:
    from tests.support import marketplace_cycle  # loaded once, before the first fork

    for line in orders:
        answers.write(json.dumps(asdict(_fork(marketplace_cycle, Attempt(**json.loads(line))))) + "\n")
        answers.flush()


def _fork(cycle: Any, attempt: Attempt) -> Ended:
    reader, writer = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(cycle, attempt, writer)
    os.close(writer)
    if attempt.seconds:
        timer = threading.Timer(attempt.seconds, lambda: os.kill(child, signal.SIGKILL))
        timer.start()
    told = b""
    while block := os.read(reader, 1 << 16):
        told += block
    os.close(reader)
    if attempt.seconds:
        timer.cancel()  # before the child is waited for: its number is not another's yet
        timer.join()
    _, status = os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(told) if told else {"steps": attempt.steps, "error": ""}
    return Ended(os.WIFSIGNALED(status), found["steps"], time.monotonic() - started, found["error"])


def _work(cycle: Any, attempt: Attempt, writer: int) -> None:
    counted = [0]

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STEPS:
            counted[0] += 1
            if counted[0] == attempt.steps:
                os.kill(os.getpid(), signal.SIGKILL)

    error = ""
    sys.addaudithook(count)
    try:
        if attempt.what == "export":
            cycle.export_all(attempt.uri, attempt.archive, workspace=attempt.workspace, models=attempt.models)
        else:
            cycle.import_all(attempt.uri, attempt.archive, workspace=attempt.workspace)
    except BaseException as problem:
        error = f"{type(problem).__name__}: {problem}"
    os.write(writer, json.dumps({"steps": counted[0], "error": error}).encode())
    os._exit(_FAILED if error else 0)


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
