"""Secret scopes: who may read, write and manage them, and what they hold, sealed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import (
    AlreadyExists,
    BadRequest,
    MalformedRequest,
    NotFound,
    NotSupported,
    PermissionDenied,
)
from infra.workspace.identity.directory import USERS, Kind, Record
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.secrets.redaction import Redactor, redactor
from infra.workspace.secrets.scopes import Scopes, Sealed
from infra.workspace.secrets.vault import Vault
from infra.workspace.store.database import Store

_NAME = re.compile(r"[\w.@/-]{1,128}", re.ASCII)
_REFERENCE = re.compile(r"\{\{\s*secrets/(?P<scope>[\w.@/-]+)/(?P<key>[\w.@-]+)\s*\}\}", re.ASCII)
_RANKS = {"READ": 1, "WRITE": 2, "MANAGE": 3}
_MAX_BYTES = 128 * 1024
_MAX_SECRETS = 1000
_CACHED_REDACTORS = 32


class SecretsService:
    """Databricks-backed scopes; values leave it through `get_secret`, `resolve` and nothing else."""

    def __init__(self, store: Store, clock: Clock, identity: IdentityService, config: WorkspaceConfig) -> None:
        self._store = store
        self._clock = clock
        self._directory = identity.directory
        self._scopes = Scopes(store)
        self._redactors: dict[tuple[int, ...], Redactor] = {}
        self.vault = Vault(config.data_dir / "vault.key")

    def create_scope(self, principal: Principal, body: Mapping[str, Any]) -> None:
        """The creator manages the scope, or everyone where `initial_manage_principal` is users."""
        scope = _named(body, "scope")
        if body.get("scope_backend_type", "DATABRICKS") != "DATABRICKS" or body.get("backend_azure_keyvault"):
            raise NotSupported(
                "the local workspace has Databricks-backed secret scopes only, none in an Azure Key Vault"
            )
        manager = body.get("initial_manage_principal") or None
        if manager not in (None, USERS):
            raise BadRequest(f"initial_manage_principal is users or not given, not {manager!r}")
        with self._store.write():
            if self._scopes.exists(scope):
                raise AlreadyExists(f"Scope {scope} already exists!")
            self._scopes.add(scope)
            holder = principal.id if manager is None else self._holder(USERS).id
            self._scopes.put_acl(scope, holder, "MANAGE")

    def list_scopes(self, principal: Principal) -> dict[str, Any]:
        """The scopes that the principal may at least read."""
        names = [name for name in self._scopes.names() if self._permission(principal, name) is not None]
        return {"scopes": [{"name": name, "backend_type": "DATABRICKS"} for name in names]}

    def delete_scope(self, principal: Principal, scope: str) -> None:
        with self._store.write():
            self._require(principal, scope, "MANAGE")
            self._scopes.remove(scope)

    def put_secret(self, principal: Principal, body: Mapping[str, Any]) -> None:
        """Writes a secret, also over one that is there; `bytes_value` is base64."""
        scope, key, value = _named(body, "scope"), _named(body, "key"), _value(body)
        with self._store.write():
            self._require(principal, scope, "WRITE")
            present = self._scopes.secrets(scope)
            if len(present) >= _MAX_SECRETS and all(sealed.key != key for sealed in present):
                raise BadRequest(f"Scope {scope} has {_MAX_SECRETS} secrets already", "RESOURCE_LIMIT_EXCEEDED")
            self._scopes.put_secret(scope, key, self.vault.encrypt(value), self._clock.now_ms())

    def get_secret(self, principal: Principal, scope: str, key: str) -> dict[str, Any]:
        """The value, in base64 whatever it was put as."""
        self._require(principal, scope, "READ")
        return {"key": key, "value": base64.b64encode(self._open(self._sealed(scope, key))).decode()}

    def list_secrets(self, principal: Principal, scope: str) -> dict[str, Any]:
        self._require(principal, scope, "READ")
        secrets = self._scopes.secrets(scope)
        return {"secrets": [{"key": item.key, "last_updated_timestamp": item.updated_ms} for item in secrets]}

    def delete_secret(self, principal: Principal, scope: str, key: str) -> None:
        with self._store.write():
            self._require(principal, scope, "WRITE")
            if not self._scopes.delete_secret(scope, key):
                raise _no_secret(scope, key)

    def put_acl(self, principal: Principal, scope: str, holder: str, permission: str) -> None:
        """Grants READ, WRITE or MANAGE to a user, a group, or a service principal by its application id."""
        if permission not in _RANKS:
            raise BadRequest(f"permission is READ, WRITE or MANAGE, not {permission!r}")
        with self._store.write():
            self._require(principal, scope, "MANAGE")
            self._scopes.put_acl(scope, self._holder(holder).id, permission)

    def get_acl(self, principal: Principal, scope: str, holder: str) -> dict[str, Any]:
        self._require(principal, scope, "MANAGE")
        permission = self._scopes.acls(scope).get(self._holder(holder).id)
        if permission is None:
            raise NotFound(f"Failed to get secret acl for principal {holder} for scope {scope}.")
        return {"principal": holder, "permission": permission}

    def list_acls(self, principal: Principal, scope: str) -> dict[str, Any]:
        self._require(principal, scope, "MANAGE")
        items = []
        for holder, permission in self._scopes.acls(scope).items():
            record = self._directory.get(holder)
            if record is not None:
                items.append({"principal": record.name, "permission": permission})
        return {"items": items}

    def delete_acl(self, principal: Principal, scope: str, holder: str) -> None:
        with self._store.write():
            self._require(principal, scope, "MANAGE")
            if not self._scopes.delete_acl(scope, self._holder(holder).id):
                raise NotFound(f"Failed to get secret acl for principal {holder} for scope {scope}.")

    def resolve(self, principal: Principal, text: str) -> str:
        """`text` with each {{secrets/scope/key}} replaced; raises NotFound or PermissionDenied."""

        def value(match: re.Match[str]) -> str:
            self._require(principal, match["scope"], "READ")
            return self._open(self._sealed(match["scope"], match["key"])).decode(errors="replace")

        return _REFERENCE.sub(value, text)

    def redact(self, text: str, principal: Principal) -> str:
        """`text` without the values of the secrets that the principal may read."""
        readable = [
            sealed
            for scope in self._scopes.names()
            if self._permission(principal, scope) is not None
            for sealed in self._scopes.secrets(scope)
        ]
        versions = tuple(sealed.version for sealed in readable)
        cached = self._redactors.get(versions)
        if cached is None:
            cached = redactor(self._open(sealed).decode(errors="replace") for sealed in readable)
            if len(self._redactors) >= _CACHED_REDACTORS:
                self._redactors.clear()
            self._redactors[versions] = cached
        return cached(text)

    def _open(self, sealed: Sealed) -> bytes:
        return self.vault.decrypt(sealed.value)

    def _sealed(self, scope: str, key: str) -> Sealed:
        found = self._scopes.secret(scope, key)
        if found is None:
            raise _no_secret(scope, key)
        return found

    def _require(self, principal: Principal, scope: str, permission: str) -> None:
        if not self._scopes.exists(scope):
            raise NotFound(f"Scope {scope} does not exist!")
        held = self._permission(principal, scope)
        if held is None or _RANKS[held] < _RANKS[permission]:
            raise PermissionDenied(f"{principal.name} does not have {permission} permission on scope {scope}")

    def _permission(self, principal: Principal, scope: str) -> str | None:
        """The most that a principal was granted, itself or through its groups; admins manage every scope."""
        if principal.admin:
            return "MANAGE"
        holders = {principal.id, *self._directory.group_ids_above(principal.id)}
        granted = [level for holder, level in self._scopes.acls(scope).items() if holder in holders]
        return max(granted, key=_RANKS.__getitem__, default=None)

    def _holder(self, name: str) -> Record:
        record = self._directory.find_acting(name) or self._directory.find(Kind.GROUP, name)
        if record is None:
            raise BadRequest(f"Principal {name} does not exist")
        return record


def _named(body: Mapping[str, Any], field: str) -> str:
    name = body.get(field)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequest(f"{field} is 1 to 128 letters, digits, dashes, underscores, at signs, slashes and periods")
    return name


def _value(body: Mapping[str, Any]) -> bytes:
    text, encoded = body.get("string_value"), body.get("bytes_value")
    if (text is None) == (encoded is None):
        raise MalformedRequest("a secret takes either string_value or bytes_value")
    try:
        value = str(text).encode() if encoded is None else base64.b64decode(str(encoded), validate=True)
    except binascii.Error:
        raise MalformedRequest("bytes_value is not valid base64") from None
    if len(value) > _MAX_BYTES:
        raise BadRequest(f"a secret has at most {_MAX_BYTES} bytes, not {len(value)}")
    return value


def _no_secret(scope: str, key: str) -> NotFound:
    return NotFound(f"Secret does not exist with scope: {scope} and key: {key}")
