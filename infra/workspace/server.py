"""The workspace's process: opens its ports, builds the rooms, serves until told to stop."""

from __future__ import annotations

import argparse
import fcntl
import importlib
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import IO

import uvicorn

from infra.workspace.config import WorkspaceConfig
from infra.workspace.process_identity import start_time
from infra.workspace.record import Record, write_admin_token
from infra.workspace.rooms import Rooms
from infra.workspace.terraform.server import PortInUse

_GRACE_SECONDS = 5
_AHEAD = ("databricks.sdk.service.jobs", "infra.workspace.sql.privileges")
_AHEAD_AFTER_SECONDS = 1.0


def main() -> None:
    arguments = _arguments()
    data_dir: Path = arguments.data_dir
    os.umask(0o077)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _lock(data_dir)
    listener = _listen(arguments.port)
    rooms = Rooms(
        WorkspaceConfig(
            data_dir=data_dir,
            port=listener.getsockname()[1],
            provider_port=arguments.provider_port,
            workspace_id=_workspace_id(data_dir),
            repos=json.loads(arguments.repos),
        )
    )
    try:
        _serve(rooms, listener)
    except PortInUse:
        sys.exit(_in_use(arguments.provider_port, "--provider-port"))
    finally:
        rooms.stop()
        lock.close()


def _serve(rooms: Rooms, listener: socket.socket) -> None:
    config = rooms.config
    write_admin_token(config.data_dir, rooms.admin_token)
    reattach = rooms.start()
    Record(
        pid=os.getpid(),
        started=start_time(os.getpid()) or "",
        url=config.url,
        port=config.port,
        provider_port=rooms.provider_port,
        workspace_id=config.workspace_id,
        repos=dict(config.repos),
        reattach=reattach,
    ).write(config.data_dir)
    threading.Thread(target=_import_ahead, daemon=True).start()
    server = uvicorn.Server(
        uvicorn.Config(
            rooms.app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            lifespan="off",
            server_header=False,
        )
    )
    server.run(sockets=[listener])


def _import_ahead() -> None:
    """What the rooms import when they first need it is there by then; whoever starts the workspace does not wait."""
    time.sleep(_AHEAD_AFTER_SECONDS)
    for module in _AHEAD:
        importlib.import_module(module)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--provider-port", type=int, required=True)
    parser.add_argument("--repos", default="{}")
    return parser.parse_args()


def _lock(data_dir: Path) -> IO[str]:
    """One process a folder: two would each believe that they own the job runs."""
    file = (data_dir / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another workspace process holds {data_dir}; stop it first with 'branchline workspace down'")
    return file


def _listen(port: int) -> socket.socket:
    # Named so, asyncio knows it for TCP and turns Nagle's delay off: 3 ms a call instead of 48.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        sys.exit(_in_use(port, "--port"))
    listener.listen(512)
    return listener


def _in_use(port: int, option: str) -> str:
    return f"port {port} of 127.0.0.1 is in use; choose another with {option} (0 picks a free one)"


def _workspace_id(data_dir: Path) -> int:
    """A number that stays with the folder, as a workspace's id stays with the workspace."""
    path = data_dir / "workspace.id"
    if not path.exists():
        path.write_text(str(int.from_bytes(os.urandom(6), "big") + 10**15))
    return int(path.read_text())


if __name__ == "__main__":
    main()
