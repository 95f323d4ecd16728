"""From command to the first answered API call, and to the first MLflow answer; the peer is `mlflow server`.

The peer starts as its documentation says (SQLite file, one worker) on a database whose migrations have run
already, so that both sides start from a set-up machine, and with their modules compiled. Both are polled every 20 ms.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.benchmarks.harness import ROUNDS, Row, at_most, compiled, say

_GOAL, _MLFLOW_GOAL = 0.15, 0.6
_SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"


def measure() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        prepared = _prepared_database(scratch)
        environment = compiled(scratch / "bytecode")
        _ours(scratch / "ours", environment)
        _peer(scratch / "peer", prepared, environment)
        api, mlflow, peer = [], [], []
        for turn in range(1, ROUNDS + 1):
            first_api, first_mlflow = _ours(scratch / f"ours-{turn}", environment)
            api.append(first_api)
            mlflow.append(first_mlflow)
            peer.append(_peer(scratch / f"peer-{turn}", prepared, environment))
            say(f"  round {turn}: API {api[-1]:.2f} s, MLflow {mlflow[-1]:.2f} s, peer {peer[-1]:.2f} s")
    share = statistics.median(mlflow) / statistics.median(peer)
    row = at_most(
        "workspace-start", _GOAL, "s", api, peer,
        mlflow_seconds=round(statistics.median(mlflow), 3), mlflow_ratio=round(share, 4),
        mlflow_goal=f"at most {_MLFLOW_GOAL}",
    )  # fmt: skip
    return Row(**{**row.__dict__, "met": row.met and share <= _MLFLOW_GOAL})


def _ours(data_dir: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    started = time.perf_counter()
    command = [".venv/bin/branchline", "workspace", "up", "--data-dir", str(data_dir), "--port", "0"]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    token = (data_dir / "admin.token").read_text()
    url = json.loads((data_dir / "workspace.json").read_text())["url"]
    headers = {"Authorization": f"Bearer {token}"}
    httpx.get(url + "/api/2.2/jobs/list", headers=headers, timeout=60).raise_for_status()
    api = time.perf_counter() - started
    httpx.get(url + _SEARCH, headers=headers, timeout=120).raise_for_status()
    mlflow = time.perf_counter() - started
    subprocess.run(
        [".venv/bin/branchline", "workspace", "down", "--data-dir", str(data_dir)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return api, mlflow


def _prepared_database(scratch: Path) -> Path:
    """An MLflow database after its migrations: the peer is not charged for its very first start."""
    path = scratch / "prepared.db"
    program = (
        f"from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as S; S('sqlite:///{path}', '{scratch}')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return path


def _peer(folder: Path, prepared: Path, environment: Mapping[str, str]) -> float:
    folder.mkdir()
    shutil.copy(prepared, folder / "mlflow.db")
    port = _free_port()
    command = [
        str(Path(sys.executable).parent / "mlflow"), "server",
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{port}{_SEARCH}", timeout=60).is_success:
                    return time.perf_counter() - started
            except httpx.TransportError:
                time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
