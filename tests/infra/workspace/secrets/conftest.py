from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.secrets.service import SecretsService
from infra.workspace.store.database import Store


@pytest.fixture
def config(tmp_path: Path) -> WorkspaceConfig:
    return WorkspaceConfig(data_dir=tmp_path, port=1, provider_port=1, workspace_id=1)


@pytest.fixture
def store(config: WorkspaceConfig) -> Store:
    return Store(config.data_dir / "workspace.db")


@pytest.fixture
def identity(store: Store) -> IdentityService:
    return IdentityService(store, Clock())


@pytest.fixture
def secrets(store: Store, identity: IdentityService, config: WorkspaceConfig) -> SecretsService:
    return SecretsService(store, Clock(), identity, config)


@pytest.fixture
def admin(identity: IdentityService) -> Principal:
    return identity.authenticate(identity.bootstrap("ada@example.org"))


@pytest.fixture
def make_user(identity: IdentityService, admin: Principal) -> Callable[[str], Principal]:
    def make(name: str) -> Principal:
        identity.scim.create(admin, ResourceType.USERS, {"userName": name})
        return identity.find(name)

    return make
