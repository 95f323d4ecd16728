"""Logs of tasks on a disk without room."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from infra.workspace.jobs.logs import LogPump


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.timeout(20)
def test_a_task_goes_on_when_its_log_cannot_be_written() -> None:
    """Were the pipe not read, a task would hang once it has printed what a pipe holds (64 KiB)."""
    pump = LogPump(Path("/dev/full"), lambda text: text)
    task = os.dup(pump.descriptor)
    pump.started()
    with os.fdopen(task, "wb") as output:
        for _ in range(100):
            output.write(b"x" * 9_999 + b"\n")
    pump.close()
