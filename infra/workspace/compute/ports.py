"""What this room needs of others, so that it can be tried without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from infra.workspace.identity.principal import Principal


class AccessControl(Protocol):
    """Access control lists of workspace objects (`identity.permissions.Permissions`)."""

    def require(self, principal: Principal, object_type: str, object_id: str, level: str) -> None: ...

    def allows(self, principal: Principal, object_type: str, object_id: str, level: str) -> bool: ...

    def level(self, principal: Principal, object_type: str, object_id: str) -> str | None: ...

    def grant_owner(self, object_type: str, object_id: str, principal: Principal) -> None: ...

    def forget(self, object_type: str, object_id: str) -> None: ...

    def update_permissions(
        self, principal: Principal, object_type: str, object_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]: ...

    def register_type(self, object_type: str, exists: Callable[[str], bool]) -> None: ...


class Identity(Protocol):
    """Principals and their tokens (`identity.service.IdentityService`)."""

    def find(self, name: str) -> Principal: ...

    def entitled(self, principal: Principal, entitlement: str) -> bool: ...

    def issue_token(self, principal: Principal, lifetime: timedelta, comment: str = "") -> str: ...

    def revoke(self, token: str) -> None: ...


class SailEnvironment(Protocol):
    """Environment of an engine that lists exactly the catalogs which `principal` may use (`catalog.sail`)."""

    def __call__(self, principal: Principal, token: str) -> Mapping[str, str]: ...
