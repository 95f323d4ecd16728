"""Starts MLflow's server in a process of its own and keeps it running."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import httpx

from infra.workspace.gateway.errors import ApiError, Unavailable

# Importing MLflow takes 4 to 12 s; a request that comes meanwhile waits in the socket's queue.
_WAIT_SECONDS = 120.0
_SOCKET_NAME_MAX = 100
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "TZ")


class MlflowError(ApiError):
    """MLflow's own refusal, with its error code and status."""

    def __init__(self, message: str, error_code: str, status: int) -> None:
        super().__init__(message, error_code)
        vars(self)["status"] = status  # MLflow's own, whichever it is, in place of the class's


class MlflowServer:
    """One child process on one Unix socket, which is there before the child listens: requests wait in its queue."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket, self._temporary = _socket_path(folder)
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        timeout = httpx.Timeout(_WAIT_SECONDS, pool=None)
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self._socket), limits=limits),
            base_url="http://mlflow",
            timeout=timeout,
        )
        # Made in the event loop that uses it, on the first request.
        self._stream: httpx.AsyncClient | None = None

    def start(self) -> None:
        """Starts the child unless it runs; returns at once."""
        with self._lock:
            if self._stopped:
                raise Unavailable("the workspace is shutting down")
            if self._listener is None:
                self._socket.unlink(missing_ok=True)
                self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._listener.bind(str(self._socket))
                self._socket.chmod(0o600)
                self._listener.listen(512)
            if self._process is None:
                self._process = self._spawn(self._listener)
                threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Ends the wait of whoever waits for a child that has gone; the next request starts another."""
        process.wait()
        with self._lock:
            if self._process is process:
                self._process = None
                if self._listener is not None:
                    self._listener.close()
                    self._listener = None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            process, listener = self._process, self._listener
            self._process = self._listener = None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait()
        if listener is not None:
            listener.close()
        self._client.close()
        self._socket.unlink(missing_ok=True)
        if self._temporary:
            shutil.rmtree(self._socket.parent, ignore_errors=True)

    @property
    def stream(self) -> httpx.AsyncClient:
        """The client through which requests are passed on; to be used in one event loop only."""
        if self._stream is None:
            transport = httpx.AsyncHTTPTransport(
                uds=str(self._socket), limits=httpx.Limits(max_connections=64, max_keepalive_connections=16)
            )
            self._stream = httpx.AsyncClient(
                transport=transport, base_url="http://mlflow", timeout=httpx.Timeout(_WAIT_SECONDS, pool=None)
            )
        return self._stream

    def wait(self) -> None:
        """Returns once the child answers; raises Unavailable if it does not."""
        self.start()
        try:
            self._client.get("/health")
        except httpx.TransportError as error:
            raise unavailable(error) from error

    def call(self, method: str, path: str, body: Any = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of MLflow's REST API on the workspace's own behalf; raises MlflowError as MLflow answers it."""
        self.start()
        try:
            response = self._client.request(method, path, json=body, params=params)
        except httpx.TransportError as error:
            raise unavailable(error) from error
        if response.is_error:
            raise error_of(response.status_code, response.content)
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def _spawn(self, listener: socket.socket) -> subprocess.Popen[bytes]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with (self.folder / "mlflow.log").open("ab") as log:
            return subprocess.Popen(
                [
                    sys.executable, "-m", "infra.workspace.tracking.child",
                    "--folder", str(self.folder), "--descriptor", str(listener.fileno()),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
            )  # fmt: skip


def unavailable(error: httpx.TransportError) -> Unavailable:
    return Unavailable(
        f"MLflow's server does not answer ({type(error).__name__}); its log is mlflow.log in the data folder"
    )


def error_of(status: int, content: bytes) -> MlflowError:
    """MLflow's answer as an error of ours."""
    try:
        body = httpx.Response(status, content=content).json()
        return MlflowError(str(body.get("message", "")), str(body.get("error_code", "INTERNAL_ERROR")), status)
    except (ValueError, AttributeError):
        return MlflowError(content[:500].decode(errors="replace"), "INTERNAL_ERROR", status)


def _socket_path(folder: Path) -> tuple[Path, bool]:
    """Beside the data unless that path is longer than a socket's name may be; then in a private temporary folder."""
    path = folder / "mlflow.sock"
    if len(os.fsencode(path)) <= _SOCKET_NAME_MAX:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path, False
    return Path(tempfile.mkdtemp(prefix="branchline-")) / "mlflow.sock", True
