from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from tests.infra.workspace.tracking.rooms import Someone, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """The rooms on a folder of the test's own; nothing here needs MLflow's server."""
    listener = socket.create_server(("127.0.0.1", 0))
    rooms = Workspace(tmp_path / "data", listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(rooms.app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield rooms
    server.should_exit = True
    thread.join()
    rooms.tracking.stop()


@pytest.fixture
def staging(workspace: Workspace) -> Someone:
    return workspace.own_environment("staging")


@pytest.fixture
def prod(workspace: Workspace) -> Someone:
    return workspace.own_environment("prod")
