"""OAuth 2.0 for service principals: what buys them tokens (client credentials, token exchange), and their secrets."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.directory import Directory, Kind, Record
from infra.workspace.identity.errors import InvalidClient, OAuthError
from infra.workspace.identity.federation import Federation
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.rule_sets import RuleSets
from infra.workspace.identity.tokens import TokenKind, TokenStore, digest
from infra.workspace.store.database import Store

TOKEN_LIFETIME = timedelta(hours=1)
MAX_SECRETS = 5
JWT = "urn:ietf:params:oauth:token-type:jwt"
_DEFAULT_SECRET_LIFETIME = timedelta(days=730)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS oauth_secrets (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    owner_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL);
"""


class OAuth:
    """Secrets are kept as hashes; the value is in the answer to their creation and nowhere else."""

    def __init__(
        self, store: Store, clock: Clock, directory: Directory, tokens: TokenStore, rule_sets: RuleSets
    ) -> None:
        self._store = store
        self._clock = clock
        self._directory = directory
        self._tokens = tokens
        self._rule_sets = rule_sets
        self.federation = Federation(store, clock, directory)
        store.schema("identity", _SCHEMA)

    def create_secret(self, principal: Principal, service_principal_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new secret, with its value; `lifetime` is a duration such as "3600s". At most five at a time."""
        owner = self._managed(principal, service_principal_id)
        lifetime = _duration(body.get("lifetime"))
        value = "dose" + secrets.token_hex(16)
        secret_id, now = secrets.token_hex(16), self._clock.now_ms()
        with self._store.write() as connection:
            connection.execute("DELETE FROM oauth_secrets WHERE expires_ms <= ?", (now,))
            if len(self._secrets(owner)) >= MAX_SECRETS:
                raise BadRequest(
                    f"service principal {owner.display_name} has {MAX_SECRETS} secrets already; delete one first",
                    "RESOURCE_LIMIT_EXCEEDED",
                )
            connection.execute(
                "INSERT INTO oauth_secrets VALUES (?, ?, ?, ?, ?)",
                (secret_id, digest(value), owner.id, now, now + int(lifetime.total_seconds() * 1000)),
            )
            created = next(info for info in self._secrets(owner) if info["id"] == secret_id)
        return {**created, "secret": value}

    def list_secrets(self, principal: Principal, service_principal_id: str) -> dict[str, Any]:
        return {"secrets": self._secrets(self._managed(principal, service_principal_id))}

    def delete_secret(self, principal: Principal, service_principal_id: str, secret_id: str) -> None:
        owner = self._managed(principal, service_principal_id)
        with self._store.write() as connection:
            deleted = connection.execute(
                "DELETE FROM oauth_secrets WHERE id = ? AND owner_id = ?", (secret_id, owner.id)
            )
            if deleted.rowcount == 0:
                raise NotFound(f"service principal {owner.display_name} has no secret {secret_id}")

    def client_credentials(self, client_id: str, client_secret: str, scope: str | None) -> dict[str, Any]:
        """A token for the service principal with this application id and one of its secrets; raises OAuthError."""
        _require_scope(scope)
        owner = self._directory.find(Kind.SERVICE_PRINCIPAL, client_id)
        known = owner is not None and self._store.row(
            "SELECT 1 FROM oauth_secrets WHERE owner_id = ? AND digest = ? AND expires_ms > ?",
            (owner.id, digest(client_secret), self._clock.now_ms()),
        )
        if owner is None or not known or not owner.active:
            raise InvalidClient("Client authentication failed")
        return self._access_token(owner)

    def token_exchange(
        self, client_id: str, subject_token: str, subject_token_type: str, scope: str | None
    ) -> dict[str, Any]:
        """A token for the service principal whose federation policy accepts a token of elsewhere (RFC 8693).

        Raises OAuthError, whose description names neither a policy's values nor the token's.
        """
        _require_scope(scope)
        if subject_token_type != JWT:
            raise OAuthError(f"subject_token_type is {JWT}")
        if not client_id:
            raise OAuthError("client_id is missing: the local workspace federates service principals only")
        owner = self.federation.service_principal(client_id, subject_token)
        return {**self._access_token(owner), "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def _access_token(self, owner: Record) -> dict[str, Any]:
        issued = self._tokens.issue(owner.id, TokenKind.OAUTH, TOKEN_LIFETIME)
        return {
            "access_token": issued.value,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFETIME.total_seconds()),
            "scope": "all-apis",
        }

    def _managed(self, principal: Principal, service_principal_id: str) -> Record:
        record = self._directory.get(int(service_principal_id)) if service_principal_id.isdecimal() else None
        if record is None or record.kind is not Kind.SERVICE_PRINCIPAL:
            raise NotFound(f"service principal {service_principal_id} does not exist")
        if not self._rule_sets.may_manage(principal, record):
            raise PermissionDenied(f"{principal.name} is not a manager of service principal {record.display_name}")
        return record

    def _secrets(self, owner: Record) -> list[dict[str, Any]]:
        rows = self._store.rows(
            "SELECT * FROM oauth_secrets WHERE owner_id = ? AND expires_ms > ? ORDER BY created_ms, rowid",
            (owner.id, self._clock.now_ms()),
        )
        return [
            {
                "id": row["id"],
                "secret_hash": row["digest"],
                "status": "ACTIVE",
                "create_time": _time(row["created_ms"]),
                "update_time": _time(row["created_ms"]),
                "expire_time": _time(row["expires_ms"]),
            }
            for row in rows
        ]


def _require_scope(scope: str | None) -> None:
    if scope and not set(scope.split()) <= {"all-apis", "offline_access"}:
        raise OAuthError(f"scope is all-apis, not {scope!r}", "invalid_scope")


def _duration(text: Any) -> timedelta:
    if not text:
        return _DEFAULT_SECRET_LIFETIME
    match = re.fullmatch(r"(\d{1,9})(?:\.\d+)?s", str(text))
    if match is None or timedelta(seconds=int(match[1])) > _DEFAULT_SECRET_LIFETIME:
        raise BadRequest(f"lifetime is a duration in seconds such as 3600s, two years at most, not {text!r}")
    return timedelta(seconds=int(match[1]))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
