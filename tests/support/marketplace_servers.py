"""MLflow servers for the marketplace's measurements: of either version, with proxied artifacts or without."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.workspace.tracking.template import create_database
from tests.ml_code.conftest import free_port
from tests.support.peers import QUIET, peer_python

_ROOT = Path(__file__).parents[2]
_BYTECODE = _ROOT / ".branchline/bytecode"
_CONTENT = _ROOT / "tests/support/marketplace_content.py"
_REQUEST = re.compile(r'"(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP')
_STARTS_WITHIN = 300.0  # on a machine that does much else
PEER = "mlflow-export-import"
FILES = "files"  # the peer takes the first folder called "artifacts" for the run's
_MIGRATE = """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore(sys.argv[1], "mlflow-artifacts:/")
"""


@dataclass
class Server:
    """A running server and its folder: database, artifacts and the log of its requests."""

    folder: Path
    python: Path
    uri: str
    process: subprocess.Popen[bytes]

    def fill(self, *content: str) -> None:
        """Content as tests/support/marketplace_content.py makes it, by the server's own version of MLflow."""
        command = [str(self.python), str(_CONTENT), self.uri, *content]
        done = subprocess.run(command, env=clean(), capture_output=True, text=True, timeout=1800, check=False)
        assert done.returncode == 0, done.stderr[-4000:]

    def requests(self) -> int:
        """How many calls it has answered since it started, those by which it was waited for aside."""
        found = _REQUEST.findall((self.folder / "server.log").read_text(errors="replace"))
        return sum(not path.endswith("/health") for _, path in found)

    def cpu_seconds(self) -> float:
        """What its processes have worked so far."""
        first = psutil.Process(self.process.pid)
        times = [each.cpu_times() for each in (first, *first.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))


@contextmanager
def server(folder: Path, *, peer: bool = False, proxied: bool = True) -> Iterator[Server]:
    """MLflow 2.22 of the peer's environment, or ours; a folder that held a server before goes on with its content."""
    python = peer_python(PEER) if peer else Path(sys.executable)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    _database(folder / "mlflow.db", python if peer else None)
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(
        _command(python, folder, port, peer, proxied),
        cwd=folder,
        env=clean(),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    found = Server(folder, python, f"http://127.0.0.1:{port}", process)
    try:
        _wait(found)
        yield found
    finally:
        _stop(process)
        log.close()


def _database(target: Path, peer: Path | None) -> None:
    """An empty, migrated database unless one is there; migrating takes a minute, and is done once for each MLflow."""
    if target.exists():
        return
    if peer is None:
        create_database(target)
        return
    empty = peer.parents[1] / "empty.db"
    if not empty.exists():
        draft = empty.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        subprocess.run([str(peer), "-c", _MIGRATE, f"sqlite:///{draft}"], env=clean(), check=True, capture_output=True)
        draft.replace(empty)
    shutil.copyfile(empty, target)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _command(python: Path, folder: Path, port: int, peer: bool, proxied: bool) -> list[str]:
    database, artifacts = folder / "mlflow.db", folder / FILES
    command = [str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{database}"]
    # Both log every call alike; calls are counted there. Uvicorn would end workers that are slow to start.
    logged = ["--workers", "2", "--gunicorn-opts", "--access-logfile -"]
    command += logged if peer else ["--workers", "1", "--uvicorn-opts", "--log-level info"]
    if proxied:
        return [*command, "--artifacts-destination", str(artifacts)]
    return [*command, "--no-serve-artifacts", "--default-artifact-root", artifacts.as_uri()]


def clean() -> dict[str, str]:
    """For processes that are measured, and servers: no setting of this process's MLflow or workspace reaches them.

    Compiled modules are kept: MLflow's take ten seconds to compile. Servers run no jobs of their own beside requests.
    """
    dropped = ("MLFLOW_", "DATABRICKS_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    own = {"PYTHONPATH": "", "PYTHONPYCACHEPREFIX": str(_BYTECODE), "GIT_PYTHON_REFRESH": "quiet"}
    return {**kept, **QUIET, **own, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def _wait(found: Server) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            urllib.request.urlopen(f"{found.uri}/health", timeout=5).close()  # noqa: S310 - our own loopback server
            return
        except (urllib.error.URLError, OSError):
            log = (found.folder / "server.log").read_text(errors="replace")
            assert found.process.poll() is None, f"the server ended: {log[-4000:]}"
            assert time.monotonic() < deadline, f"the server does not answer: {log[-4000:]}"
            time.sleep(0.2)
