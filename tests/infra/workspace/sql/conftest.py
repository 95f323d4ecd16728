"""SQL over HTTP on the real rooms that it needs: identity, permissions, catalog and compute with Sail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import uvicorn
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import catalog as uc

from infra.workspace.catalog.routes import routes as catalog_routes
from infra.workspace.catalog.service import CatalogService
from infra.workspace.compute.service import ComputeService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.app import build_app
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.routes import routes as identity_routes
from infra.workspace.identity.service import IdentityService
from infra.workspace.sql.routes import routes
from infra.workspace.sql.service import SqlService
from infra.workspace.store.database import Store


class SqlWorkspace:
    """One workspace with a catalog dev, a warehouse, and clients for its principals."""

    def __init__(self, url: str, identity: IdentityService, admin_token: str) -> None:
        self._url = url
        self._identity = identity
        self.admin = WorkspaceClient(host=url, token=admin_token)
        self.admin.catalogs.create("dev")
        self.admin.schemas.create("hrob", "dev")
        self.warehouse_id = self.admin.warehouses.create(name="tests", cluster_size="2X-Small").response.id or ""

    def service_principal(self, name: str) -> tuple[str, WorkspaceClient]:
        """A new principal that may use the warehouse, by its application id, with its client."""
        made = self.admin.service_principals.create(display_name=name)
        application_id = made.application_id or ""
        token = self._identity.issue_token(self._identity.find(application_id), timedelta(hours=1))
        self.admin.permissions.update(
            "sql/warehouses",
            self.warehouse_id,
            access_control_list=_acl(application_id),
        )
        return application_id, WorkspaceClient(host=self._url, token=token)

    def grant(self, kind: str, full_name: str, principal: str, *privileges: uc.Privilege) -> None:
        change = uc.PermissionsChange(principal=principal, add=list(privileges))
        self.admin.grants.update(kind, full_name, changes=[change])


def _acl(application_id: str) -> list[object]:
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    return [AccessControlRequest(service_principal_name=application_id, permission_level=PermissionLevel.CAN_USE)]


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlWorkspace]:
    data_dir = tmp_path_factory.mktemp("workspace")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # lets asyncio set TCP_NODELAY
    listener.bind(("127.0.0.1", 0))
    config = WorkspaceConfig(data_dir, port=listener.getsockname()[1], provider_port=1, workspace_id=77)
    store, clock = Store(data_dir / "workspace.db"), Clock()
    identity = IdentityService(store, clock)
    permissions = Permissions(store, identity)
    catalog = CatalogService(store, clock, identity, config)
    compute = ComputeService(store, clock, permissions, config, identity, catalog.sail_environment)
    service = SqlService(store, clock, permissions, catalog, compute, config.url)
    routers = [identity_routes(identity, permissions), catalog_routes(catalog), routes(service)]
    server = uvicorn.Server(
        uvicorn.Config(build_app(routers, identity.authenticate), log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield SqlWorkspace(config.url, identity, identity.bootstrap("ada@example.org"))
    compute.stop()
    server.should_exit = True
    thread.join()
