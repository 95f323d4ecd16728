from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.app import build_app
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.routes import routes
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.store.database import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "workspace.db")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(store: Store, clock: Clock) -> IdentityService:
    return IdentityService(store, clock)


@pytest.fixture
def permissions(store: Store, identity: IdentityService) -> Permissions:
    service = Permissions(store, identity)
    for object_type in ("jobs", "directories", "notebooks", "experiments", "cluster-policies", "sql/warehouses"):
        service.register_type(object_type, lambda object_id: object_id != "missing")
    return service


@pytest.fixture
def admin_token(identity: IdentityService) -> str:
    return identity.bootstrap("ada@example.org")


@pytest.fixture
def admin(identity: IdentityService, admin_token: str) -> Principal:
    return identity.authenticate(admin_token)


@pytest.fixture
def make_user(identity: IdentityService, admin: Principal) -> Callable[[str], Principal]:
    def make(name: str) -> Principal:
        identity.scim.create(admin, ResourceType.USERS, {"userName": name})
        return identity.find(name)

    return make


@pytest.fixture
def make_service_principal(identity: IdentityService, admin: Principal) -> Callable[[str], Principal]:
    def make(display_name: str) -> Principal:
        made = identity.scim.create(admin, ResourceType.SERVICE_PRINCIPALS, {"displayName": display_name})
        return identity.find(made["applicationId"])

    return make


@pytest.fixture
def make_group(identity: IdentityService, admin: Principal) -> Callable[..., str]:
    def make(name: str, *members: Principal | str) -> str:
        ids = [str(member.id) if isinstance(member, Principal) else member for member in members]
        body = {"displayName": name, "members": [{"value": member} for member in ids]}
        return str(identity.scim.create(admin, ResourceType.GROUPS, body)["id"])

    return make


@pytest.fixture
def host(identity: IdentityService, permissions: Permissions) -> Iterator[str]:
    """The room behind the real gateway, over real HTTP, for real clients."""
    app = build_app([routes(identity, permissions)], identity.authenticate)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
