"""A catalog on a real store, served over HTTP to several principals, and Sail in front of it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from infra.workspace.catalog.routes import routes
from infra.workspace.catalog.service import CatalogService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.app import build_app
from infra.workspace.gateway.errors import NotFound, Unauthenticated
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

API = "/api/2.1/unity-catalog"
ADMIN = Principal(1, "admin@example.com", "Admin", "user", frozenset({"admins"}), admin=True)
STAGING = Principal(2, "sp-staging", "branchline-staging", "service_principal", frozenset({"deployers"}))
PROD = Principal(3, "sp-prod", "branchline-prod", "service_principal")
SCIENTIST = Principal(4, "sci@example.com", "Scientist", "user", frozenset({"branchline-scientists"}))
PEOPLE = {person.name: person for person in (ADMIN, STAGING, PROD, SCIENTIST)}


class People:
    """Who there is: the four principals and their groups; a token is its principal's name."""

    def find(self, name: str) -> Principal:
        if name not in PEOPLE:
            raise NotFound(f"no principal {name}")
        return PEOPLE[name]

    def group_exists(self, name: str) -> bool:
        return any(name in person.groups for person in PEOPLE.values())

    def authenticate(self, token: str) -> Principal:
        if token not in PEOPLE:
            raise Unauthenticated("unknown token")
        return PEOPLE[token]


@dataclass
class Workspace:
    """The catalog with its address and folder."""

    url: str
    data_dir: Path
    catalog: CatalogService
    store: Store

    def client(self, principal: Principal) -> httpx.Client:
        headers = {"Authorization": f"Bearer {principal.name}"}
        return httpx.Client(base_url=self.url + API, headers=headers)


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogService:
    return open_catalog(tmp_path / "workspace")


def open_catalog(data_dir: Path, port: int = 1) -> CatalogService:
    data_dir.mkdir(exist_ok=True)
    config = WorkspaceConfig(data_dir, port=port, provider_port=1, workspace_id=77)
    return CatalogService(Store(data_dir / "store.db"), Clock(), People(), config)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The catalog served by uvicorn, with catalogs staging and prod of one service principal each."""
    data_dir = tmp_path_factory.mktemp("workspace")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # lets asyncio set TCP_NODELAY
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    catalog = open_catalog(data_dir, port)
    for name, owner in (("staging", STAGING), ("prod", PROD)):
        catalog.containers.create_catalog(ADMIN, {"name": name})
        catalog.containers.create_schema(ADMIN, {"name": "hrob", "catalog_name": name})
        grant(catalog, "catalog", name, owner.name, "USE_CATALOG", "CREATE_SCHEMA")
        grant(catalog, "schema", f"{name}.hrob", owner.name, "ALL_PRIVILEGES")
    server = uvicorn.Server(
        uvicorn.Config(build_app([routes(catalog)], People().authenticate), log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield Workspace(f"http://127.0.0.1:{port}", data_dir, catalog, catalog._core.store)
    server.should_exit = True
    thread.join()


def grant(catalog: CatalogService, kind: str, full_name: str, principal: str, *privileges: str) -> None:
    catalog.permissions.update_permissions(
        ADMIN, kind, full_name, {"changes": [{"principal": principal, "add": list(privileges)}]}
    )


@pytest.fixture(scope="module")
def sail(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Principal], Any]]:
    """Starts Sail in a principal's name and gives a Spark session on it."""
    processes: list[subprocess.Popen[bytes]] = []
    sessions: dict[str, Any] = {}

    def start(principal: Principal) -> Any:
        from pyspark.sql import SparkSession

        if principal.name not in sessions:
            environment = workspace.catalog.sail_environment(principal, principal.name)
            remote = _start_sail(environment, tmp_path_factory.mktemp("sail"), processes)
            sessions[principal.name] = SparkSession.builder.remote(remote).create()
        return sessions[principal.name]

    yield start
    for session in sessions.values():
        session.stop()
    for process in processes:
        process.terminate()
        process.wait()


def _start_sail(environment: dict[str, str], folder: Path, processes: list[subprocess.Popen[bytes]]) -> str:
    log = folder / "sail.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("sail")), "spark", "server", "--ip", "127.0.0.1", "--port", "0"],
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    processes.append(process)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = re.search(r"Spark Connect server on 127\.0\.0\.1:(\d+)", log.read_text(errors="replace"))
        if found:
            return f"sc://127.0.0.1:{found[1]}"
        assert process.poll() is None, log.read_text(errors="replace")
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace"))
