"""Tokens: issued once in the clear, kept as SHA-256 of 128 random bits or more, gone when they expire."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

NEVER = -1
DEFAULT_LIFETIME = timedelta(days=730)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    owner_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    created_by_id INTEGER NOT NULL,
    created_by_name TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS tokens_by_owner ON tokens (owner_id);
"""


class TokenKind(StrEnum):
    PERSONAL = "personal"
    SESSION = "session"  # runs and browser sessions: listed nowhere
    OAUTH = "oauth"


@dataclass(frozen=True)
class Issued:
    """A new token; the only moment at which its value is known."""

    value: str
    info: dict[str, Any]


def digest(secret: str) -> str:
    """What is kept of a token or secret. It is too long to guess, so that a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class TokenStore:
    """Rows of tokens; whether someone may have one is decided elsewhere."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        store.schema("identity", _SCHEMA)

    def issue(
        self,
        owner_id: int,
        kind: TokenKind,
        lifetime: timedelta | None,
        comment: str = "",
        created_by: Principal | None = None,
    ) -> Issued:
        """A new token; without a `lifetime` it does not expire. The owner is its creator unless another is named."""
        value = ("dapi" if kind is TokenKind.PERSONAL else "dkea") + secrets.token_hex(16)
        now = self._clock.now_ms()
        expires = NEVER if lifetime is None else now + int(lifetime.total_seconds() * 1000)
        row = {
            "id": secrets.token_hex(32),
            "digest": digest(value),
            "kind": kind.value,
            "owner": owner_id,
            "creator": created_by.id if created_by else owner_id,
            "creator_name": created_by.name if created_by else "",
            "comment": comment,
            "created": now,
            "expires": expires,
        }
        with self._store.write() as connection:
            connection.execute("DELETE FROM tokens WHERE expires_ms >= 0 AND expires_ms <= ?", (now,))
            connection.execute(
                "INSERT INTO tokens VALUES"
                " (:id, :digest, :kind, :owner, :creator, :creator_name, :comment, :created, :expires)",
                row,
            )
        return Issued(value, self.info(str(row["id"])) or {})

    def owner_of(self, token: str) -> int | None:
        """The id of the principal whose valid token this is."""
        row = self._store.row(
            "SELECT owner_id FROM tokens WHERE digest = ? AND (expires_ms < 0 OR expires_ms > ?)",
            (digest(token), self._clock.now_ms()),
        )
        return None if row is None else int(row["owner_id"])

    def info(self, token_id: str) -> dict[str, Any] | None:
        return next(iter(self._infos(token_id=token_id)), None)

    def personal(self, owner_id: int | None = None) -> list[dict[str, Any]]:
        """The valid personal access tokens, oldest first: one owner's, or all."""
        return self._infos(owner_id=owner_id)

    def delete(self, token_id: str) -> None:
        with self._store.write() as connection:
            connection.execute("DELETE FROM tokens WHERE id = ?", (token_id,))

    def delete_value(self, token: str) -> None:
        with self._store.write() as connection:
            connection.execute("DELETE FROM tokens WHERE digest = ?", (digest(token),))

    def _infos(self, token_id: str | None = None, owner_id: int | None = None) -> list[dict[str, Any]]:
        rows = self._store.rows(
            "SELECT * FROM tokens WHERE kind = 'personal' AND (expires_ms < 0 OR expires_ms > ?1)"
            " AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR owner_id = ?3) ORDER BY created_ms, rowid",
            (self._clock.now_ms(), token_id, owner_id),
        )
        return [
            {
                "token_id": row["id"],
                "creation_time": row["created_ms"],
                "expiry_time": row["expires_ms"],
                "comment": row["comment"],
                "owner_id": row["owner_id"],
                "created_by_id": row["created_by_id"],
                "created_by_username": row["created_by_name"],
            }
            for row in rows
        ]
