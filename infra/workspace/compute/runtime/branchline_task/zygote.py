"""A process that has imported the third-party packages which tasks use, and forks one task after another from them.

It holds no credentials and none of any task's code: a task's environment, folder and log reach the fork alone.
Requests come over a Unix socket, one JSON packet each; a task's request carries its log as a file descriptor.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from . import bootstrap, driver

_MESSAGE = 1 << 20


class Zygote:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._pending: list[str] = []
        self._tasks: dict[int, int] = {}  # process id -> number of the request

    def serve(self) -> dict[str, Any] | None:
        """Serves until the workspace goes away (None, in the zygote) or, in a fork, returns the task to run."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while True:
            # Imports come before requests: a task forked meanwhile would import the same once more beside them.
            watched = [wake_read] if self._pending else [wake_read, self._channel.fileno()]
            ready, _, _ = select.select(watched, [], [], 0 if self._pending else None)
            if wake_read in ready:
                os.read(wake_read, 4096)
                self._reap()
            if self._channel.fileno() in ready:
                data, descriptors, _, _ = socket.recv_fds(self._channel, _MESSAGE, 1)
                if not data:
                    self._end_tasks()
                    return None
                request = json.loads(data)
                if "preload" in request:
                    self._pending += request["preload"]
                elif self._fork(request, descriptors[0]):
                    os.close(wake_read)
                    os.close(wake_write)
                    return dict(json.loads(Path(request["description"]).read_text()))
            if self._pending:
                self._preload(self._pending.pop(0))

    def _preload(self, name: str) -> None:
        """Imports a package of site-packages; one that will not import is the task's to complain about."""
        if name in sys.modules:
            return
        try:
            importlib.import_module(name)
        except BaseException:  # a package may raise what it likes, SystemExit too, without ending the zygote
            return
        if threading.active_count() > 1:
            self._send({"threads": name})

    def _fork(self, request: dict[str, Any], log: int) -> bool:
        pid = os.fork()
        if pid:
            os.close(log)
            with contextlib.suppress(OSError):  # the child does the same: whoever comes first
                os.setpgid(pid, pid)
            self._tasks[pid] = request["number"]
            self._send({"number": request["number"], "pid": pid})
            return False
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._channel.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.close(nothing)
        os.close(log)
        if "numpy" in sys.modules:  # its global generator was seeded before the fork, the same for every task
            sys.modules["numpy"].random.seed()
        return True

    def _reap(self) -> None:
        while self._tasks:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            number = self._tasks.pop(pid, None)
            if number is not None:
                self._send({"number": number, "exit": os.waitstatus_to_exitcode(status)})

    def _end_tasks(self) -> None:
        for pid in self._tasks:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._channel.sendall(json.dumps(message).encode())
        except OSError:  # the workspace is gone; the next read says so
            return


def main() -> None:
    """`sys.argv[1]` is the descriptor of the channel, `sys.argv[2]` the interpreter's description as JSON."""
    interpreter = json.loads(sys.argv[2])
    bootstrap.prepare_interpreter(interpreter)
    channel = socket.socket(fileno=int(sys.argv[1]))
    description = Zygote(channel).serve()
    if description is not None:
        driver.run(description)
