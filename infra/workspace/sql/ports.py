"""What this room needs of others, so that it can be tried without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from infra.workspace.identity.principal import Principal


class Engine(Protocol):
    """A running Spark engine; `remote` is its Spark Connect address."""

    remote: str


class Compute(Protocol):
    """Engines for SQL (`compute.service.ComputeService`): one for each principal, shared by its statements."""

    def spark_for(self, principal: Principal) -> Engine: ...


class AccessControl(Protocol):
    """Access control lists of workspace objects (`identity.permissions.Permissions`)."""

    def require(self, principal: Principal, object_type: str, object_id: str, level: str) -> None: ...

    def level(self, principal: Principal, object_type: str, object_id: str) -> str | None: ...

    def grant_owner(self, object_type: str, object_id: str, principal: Principal) -> None: ...

    def forget(self, object_type: str, object_id: str) -> None: ...

    def register_type(self, object_type: str, exists: Callable[[str], bool]) -> None: ...


class Catalog(Protocol):
    """Privileges of Unity Catalog (`catalog.service.CatalogService`)."""

    def require(self, principal: Principal, securable_type: str, full_name: str, privilege: str) -> None: ...
