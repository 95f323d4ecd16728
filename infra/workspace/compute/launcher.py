"""Starts task processes: forked from a warm zygote on Linux, as fresh interpreters elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from infra.workspace.compute.processes import MARKER, end_group, end_marked
from infra.workspace.process_identity import start_time

_RUNTIME = Path(__file__).parent / "runtime"
_START_SECONDS = 300.0  # a task waits for the imports that are under way, once in a workspace's life
_PRELOAD_NEVER = ("databricks.sdk.runtime",)  # binds `dbutils` to the process that imports it


@cache
def interpreter() -> dict[str, Any]:
    """What a task's bare interpreter must be told of this one."""
    folders = list(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
    return {"site": folders, "prefix": sys.prefix, "hidden": sorted(_own_packages())}


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs `main()` of a runtime module in a bare interpreter."""
    code = f"import sys; sys.path.append({str(_RUNTIME)!r}); from branchline_task import {module}; {module}.main()"
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


class TaskProcess(Protocol):
    """A started task: leader of its own process group."""

    pid: int

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit status (negative: a signal's number), or None if the process still runs after `timeout` seconds."""

    def end(self) -> None:
        """Ends the process and all of its children."""


class SpawnedTask:
    """A task in a fresh interpreter."""

    def __init__(self, process: subprocess.Popen[bytes], marker: str) -> None:
        self._process = process
        self._marker = marker
        self.pid = process.pid

    def wait(self, timeout: float | None = None) -> int | None:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        end_group(self.pid, lambda: self._process.poll() is None)
        end_marked(self._marker)


class ForkedTask:
    """A task forked from the zygote, which reports its end."""

    def __init__(self, marker: str) -> None:
        self.pid = 0
        self.started = threading.Event()
        self._ended = threading.Event()
        self._status = -9
        self._marker = marker

    def start_seen(self, pid: int) -> None:
        self.pid = pid
        self.started.set()

    def end_seen(self, status: int) -> None:
        self._status = status
        self.started.set()
        self._ended.set()

    def wait(self, timeout: float | None = None) -> int | None:
        return self._status if self._ended.wait(timeout) else None

    def end(self) -> None:
        end_group(self.pid, lambda: not self._ended.is_set() and start_time(self.pid) is not None)
        end_marked(self._marker)


class ZygoteLost(Exception):
    """The zygote is gone or must not be forked any more."""


class ZygoteClient:
    """This side of the channel to one zygote process."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel = ours
        self._lock = threading.Lock()
        self._tasks: dict[int, ForkedTask] = {}
        self._numbers = 0
        self.usable = True
        with theirs, (folder / "zygote.log").open("ab") as log:
            self._process = subprocess.Popen(
                command("zygote", str(theirs.fileno()), json.dumps(interpreter())),
                env=_zygote_environment(folder),
                cwd=folder,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid
        threading.Thread(target=self._listen, name="zygote", daemon=True).start()

    def preload(self, modules: Iterable[str]) -> None:
        wanted = [name for name in modules if not name.startswith(_PRELOAD_NEVER)]
        with contextlib.suppress(OSError):
            self._channel.send(json.dumps({"preload": wanted}).encode())

    def start(self, description: Path, log: int, marker: str) -> ForkedTask:
        task = ForkedTask(marker)
        with self._lock:
            if not self.usable:
                raise ZygoteLost
            self._numbers += 1
            number = self._numbers
            self._tasks[number] = task
        request = json.dumps({"number": number, "description": str(description)}).encode()
        try:
            socket.send_fds(self._channel, [request], [log])
        except OSError as error:
            raise ZygoteLost from error
        if not task.started.wait(_START_SECONDS):
            self.close()  # so that it cannot start the task later, beside the one that takes its place
        if not task.pid:
            raise ZygoteLost
        return task

    def close(self) -> None:
        self.usable = False
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        while True:
            try:
                data = self._channel.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                break
            message = json.loads(data)
            if "threads" in message:  # a fork of a process with threads may hang in a lock that one of them held
                self.usable = False
            elif "pid" in message:
                self._tasks[message["number"]].start_seen(message["pid"])
            else:
                self._tasks.pop(message["number"]).end_seen(message["exit"])
        with self._lock:
            self.usable = False
            lost = list(self._tasks.values())
        for task in lost:
            task.end_seen(-9)


class Launcher:
    """Starts tasks; `warm` says which packages they will import, so that the zygote imports them once for all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._zygote: ZygoteClient | None = None
        self._forks = sys.platform == "linux"

    def warm(self, modules: Iterable[str]) -> None:
        if self._forks:
            self._ready_zygote().preload(modules)

    def start(self, description: Path, log: int, marker: str, fresh: bool = False) -> TaskProcess:
        """Starts the task of a description file; its output goes to the descriptor `log`.

        `fresh` asks for an interpreter of its own: packages read some environment variables only when imported.
        """
        if self._forks and not fresh:
            try:
                return self._ready_zygote().start(description, log, marker)
            except ZygoteLost:
                self._forks = self._zygote is not None and self._zygote.usable
        process = subprocess.Popen(
            command("driver", str(description)),
            env={"PATH": os.environ.get("PATH", os.defpath), MARKER: marker},
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        return SpawnedTask(process, marker)

    def close(self) -> None:
        if self._zygote is not None:
            self._zygote.close()

    def _ready_zygote(self) -> ZygoteClient:
        with self._lock:
            if self._zygote is None:
                self._zygote = ZygoteClient(self._folder)
            return self._zygote


def _zygote_environment(folder: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _own_packages() -> set[str]:
    """Top-level packages of the distribution that this file belongs to, whether installed or run from a checkout."""
    own = __name__.partition(".")[0]
    by_package = metadata.packages_distributions()
    names = {name for name, owners in by_package.items() if set(owners) & set(by_package.get(own, []))}
    return names | {own}
