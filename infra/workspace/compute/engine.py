"""A Spark engine: one Sail process that serves Spark Connect on a free loopback port."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.workspace.compute.launcher import command, interpreter
from infra.workspace.compute.processes import MARKER, ProcessRegistry, end_group, end_marked
from infra.workspace.gateway.errors import Unavailable

_START_SECONDS = 30.0
_ADDRESS = re.compile(r"Spark Connect server on 127\.0\.0\.1:(\d+)")


@dataclass
class Engine:
    """A running engine. `remote` is what `SPARK_REMOTE` wants; `log` is its log file."""

    remote: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]
    registry: ProcessRegistry
    marker: str
    catalogs: Mapping[str, str] = field(default_factory=dict)
    _closing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends the engine with its children; a second call does nothing."""
        with self._closing:
            if self.alive:
                end_group(self.process.pid, lambda: self.process.poll() is None)
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()
            end_marked(self.marker)
            self.registry.remove(self.process.pid)


def start_engine(
    registry: ProcessRegistry,
    folder: Path,
    log: Path,
    environment: Mapping[str, str],
    paths: Sequence[Path] = (),
) -> Engine:
    """Starts Sail in `folder` with `paths` on the import path of functions that are sent to it.

    Raises Unavailable, with the end of its log, if it does not answer within 30 seconds.
    """
    description = log.with_suffix(".json")
    description.write_text(
        json.dumps({"interpreter": interpreter(), "folder": str(folder), "paths": [str(path) for path in paths]})
    )
    marker = uuid.uuid4().hex
    with log.open("wb") as output:
        process = subprocess.Popen(
            command("engine", str(description)),
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), **environment, MARKER: marker},
            cwd=folder,
            stdin=subprocess.PIPE,  # never written to: its end tells the engine that the workspace is gone
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    registry.add(process.pid, marker)
    port = _await_port(process, log)
    if port is None:
        end_group(process.pid, lambda: process.poll() is None)
        process.wait()
        registry.remove(process.pid)
        raise Unavailable(f"the Spark engine did not start: {log.read_text(errors='replace')[-2000:]}")
    return Engine(f"sc://127.0.0.1:{port}", port, log, process, registry, marker)


def _await_port(process: subprocess.Popen[bytes], log: Path) -> int | None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        announced = _ADDRESS.search(log.read_text(errors="replace"))
        if announced and _answers(int(announced[1])):
            return int(announced[1])
        time.sleep(0.02)
    return None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
