"""MLflow's server as a child: it comes back after a crash, and goes with the workspace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.workspace.gateway.errors import Unavailable
from infra.workspace.tracking.process import MlflowServer

EXPERIMENTS = "/api/2.0/mlflow/experiments/search"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    running = MlflowServer(tmp_path / "mlflow")
    yield running
    running.stop()


def children(folder: Path) -> list[int]:
    """The processes that serve from a folder."""
    found = subprocess.run(["pgrep", "-f", f"tracking.child --folder {folder} "], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def test_it_comes_back_with_what_it_acknowledged(server: MlflowServer) -> None:
    server.start()
    made = server.call("POST", "/api/2.0/mlflow/experiments/create", {"name": "/kept"})["experiment_id"]
    os.kill(children(server.folder)[0], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            found = server.call("GET", "/api/2.0/mlflow/experiments/get", params={"experiment_id": made})
            break
        except Unavailable:  # the request that was on its way when the child died
            assert time.monotonic() < deadline
    assert found["experiment"]["name"] == "/kept"


def test_whoever_waits_for_a_child_that_dies_is_told_so_at_once(server: MlflowServer) -> None:
    server.start()
    killer = threading.Timer(0.5, lambda: os.kill(children(server.folder)[0], signal.SIGKILL))
    killer.start()
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"mlflow\.log"):
        server.call("GET", EXPERIMENTS)
    assert time.monotonic() - started < 20


def test_it_goes_with_its_workspace_however_that_ends(tmp_path: Path) -> None:
    folder = tmp_path / "mlflow"
    script = (
        "import sys, time; from pathlib import Path; from infra.workspace.tracking.process import MlflowServer\n"
        "MlflowServer(Path(sys.argv[1])).start(); print('started', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    assert children(folder)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while children(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children(folder) == []
