"""The rooms around MLflow behind the real gateway, with two service principals that own a catalog each."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from databricks.sdk import WorkspaceClient

from infra.workspace.catalog.routes import routes as catalog_routes
from infra.workspace.catalog.service import CatalogService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.files.dbfs_routes import routes as dbfs_routes
from infra.workspace.files.routes import routes as files_routes
from infra.workspace.files.service import FilesService
from infra.workspace.files.volume_routes import routes as volume_routes
from infra.workspace.gateway.app import build_app
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.routes import routes as identity_routes
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.models.routes import routes as model_routes
from infra.workspace.models.service import ModelsService
from infra.workspace.store.database import Store
from infra.workspace.tracking.routes import routes as tracking_routes
from infra.workspace.tracking.service import TrackingService

ENVIRONMENTS = ("staging", "prod")


@dataclass
class Someone:
    """A principal with a token of its own."""

    principal: Principal
    token: str
    url: str

    @property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)

    @property
    def sdk(self) -> WorkspaceClient:
        return WorkspaceClient(host=self.url, token=self.token)

    def python(self, script: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Runs a script as a client of the workspace does: in a process that knows an address and a token."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, *arguments],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "MLFLOW_TRACKING_URI": self.url,
                "MLFLOW_TRACKING_TOKEN": self.token,
                "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", ""),
            },
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


class Workspace:
    """The rooms on one data folder."""

    def __init__(self, data_dir: Path, port: int = 1) -> None:
        data_dir.mkdir(exist_ok=True)
        self.config = WorkspaceConfig(data_dir, port=port, provider_port=1, workspace_id=77)
        self.store = Store(data_dir / "workspace.db")
        clock = Clock()
        self.identity = IdentityService(self.store, clock)
        self.permissions = Permissions(self.store, self.identity)
        self.catalog = CatalogService(self.store, clock, self.identity, self.config)
        self.files = FilesService(self.store, clock, self.permissions, self.catalog, self.config)
        self.tracking = TrackingService(self.store, clock, self.permissions, self.files, self.catalog, self.config)
        self.models = ModelsService(self.store, clock, self.tracking, self.catalog)
        self.admin = self._someone(self.identity.authenticate(self.identity.bootstrap("ada@example.org")))
        self.app = build_app(
            [
                identity_routes(self.identity, self.permissions),
                catalog_routes(self.catalog),
                files_routes(self.files),
                volume_routes(self.files.volumes),
                dbfs_routes(self.files.dbfs),
                model_routes(self.models),
                tracking_routes(self.tracking),
            ],
            self.identity.authenticate,
        )

    def service_principal(self, display_name: str) -> Someone:
        admin = self.admin.principal
        made = self.identity.scim.create(admin, ResourceType.SERVICE_PRINCIPALS, {"displayName": display_name})
        return self._someone(self.identity.find(made["applicationId"]))

    def own_environment(self, environment: str) -> Someone:
        """A service principal with catalog, schema, volume and a directory that it manages, as a deploy makes them."""
        admin, catalog = self.admin.principal, self.catalog
        someone = self.service_principal(f"branchline-{environment}")
        catalog.containers.create_catalog(admin, {"name": environment})
        catalog.containers.create_schema(admin, {"name": "hrob", "catalog_name": environment})
        volume = {"name": "landing", "catalog_name": environment, "schema_name": "hrob", "volume_type": "MANAGED"}
        catalog.volumes.create_volume(admin, volume)
        for kind, name, privileges in (
            ("catalog", environment, ["USE_CATALOG"]),
            ("schema", f"{environment}.hrob", ["ALL_PRIVILEGES"]),
        ):
            change = {"changes": [{"principal": someone.principal.name, "add": privileges}]}
            catalog.permissions.update_permissions(admin, kind, name, change)
        directory = f"/Shared/branchline/{environment}"
        self.files.mkdirs(admin, directory)
        number = str(self.files.get_status(admin, directory)["object_id"])
        entry = {"service_principal_name": someone.principal.name, "permission_level": "CAN_MANAGE"}
        self.permissions.update_permissions(admin, "directories", number, {"access_control_list": [entry]})
        return someone

    def _someone(self, principal: Principal) -> Someone:
        token = self.identity.issue_token(principal, timedelta(hours=1))
        return Someone(principal, token, self.config.url)


@contextmanager
def served(data_dir: Path) -> Iterator[Workspace]:
    """The workspace on a free port, over real HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))
    workspace = Workspace(data_dir, listener.getsockname()[1])
    workspace.tracking.start()
    server = uvicorn.Server(uvicorn.Config(workspace.app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield workspace
    finally:
        server.should_exit = True
        thread.join()
        workspace.tracking.stop()


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The rooms on one data folder, with MLflow's real server; tests keep to names of their own."""
    with served(tmp_path_factory.mktemp("tracking")) as running:
        yield running


@pytest.fixture(scope="session")
def staging(workspace: Workspace) -> Someone:
    return workspace.own_environment("staging")


@pytest.fixture(scope="session")
def prod(workspace: Workspace) -> Someone:
    return workspace.own_environment("prod")
