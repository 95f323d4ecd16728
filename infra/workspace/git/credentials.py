"""Git credentials: each principal's logins at git providers, the tokens sealed and never answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from infra.workspace.gateway.errors import BadRequest, Conflict, NotFound, PermissionDenied
from infra.workspace.git.command import Login
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.secrets.vault import Vault
from infra.workspace.store.database import Store

PROVIDERS = {
    provider.lower(): provider
    for provider in (
        "gitHub",
        "gitHubEnterprise",
        "gitHubOAuth",
        "gitLab",
        "gitLabEnterpriseEdition",
        "bitbucketCloud",
        "bitbucketServer",
        "azureDevOpsServices",
        "azureDevOpsServicesAad",
        "awsCodeCommit",
    )
}
_FIRST_ID = 300_000_001
_FIELDS = ("git_username", "git_email", "name")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS git_credentials (
    id INTEGER PRIMARY KEY,
    owner_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    git_provider TEXT NOT NULL,
    git_username TEXT,
    git_email TEXT,
    name TEXT,
    is_default INTEGER NOT NULL,
    sealed BLOB);
"""


class GitCredentials:
    """`principal_id` in a call names a service principal whose credentials its manager keeps."""

    def __init__(self, store: Store, identity: IdentityService, vault: Vault) -> None:
        self._store = store
        self._identity = identity
        self._vault = vault
        store.schema("git", _SCHEMA)

    def create_credentials(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """One credential a provider, or several that have names; the first is the provider's default."""
        owner = self._owner(principal, body.get("principal_id"))
        provider = known_provider(body.get("git_provider"))
        values = {field: body.get(field) or None for field in _FIELDS}
        with self._store.write() as connection:
            same = [row for row in self._rows(owner) if row["git_provider"].lower() == provider.lower()]
            if any(row["name"] == values["name"] for row in same):
                raise Conflict(f"Only one Git credential is supported for {provider} at this time, unless named apart")
            default = not same or bool(body.get("is_default_for_provider"))
            credential_id = self._store.next_id("git_credential", _FIRST_ID)
            connection.execute(
                "INSERT INTO git_credentials VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    credential_id,
                    owner,
                    str(body["git_provider"]),
                    values["git_username"],
                    values["git_email"],
                    values["name"],
                    int(default),
                    self._sealed(body.get("personal_access_token")),
                ),
            )
            if default:
                self._make_default(owner, credential_id, provider)
        return self.get_credentials(principal, credential_id, owner if owner != principal.id else None)

    def get_credentials(
        self, principal: Principal, credential_id: int, principal_id: int | None = None
    ) -> dict[str, Any]:
        return _info(self._require(self._owner(principal, principal_id), credential_id))

    def list_credentials(self, principal: Principal, principal_id: int | None = None) -> dict[str, Any]:
        return {"credentials": [_info(row) for row in self._rows(self._owner(principal, principal_id))]}

    def update_credentials(self, principal: Principal, credential_id: int, body: Mapping[str, Any]) -> None:
        """Changes what is given; a token that is not given stays."""
        with self._store.write() as connection:
            owner = self._owner(principal, body.get("principal_id"))
            row = self._require(owner, credential_id)
            provider = str(body.get("git_provider") or row["git_provider"])
            known_provider(provider)
            values = [body.get(field, row[field]) or None for field in _FIELDS]
            token = body.get("personal_access_token")
            connection.execute(
                "UPDATE git_credentials SET git_provider = ?, git_username = ?, git_email = ?, name = ?, sealed = ?"
                " WHERE id = ?",
                (provider, *values, self._sealed(token) if token else row["sealed"], credential_id),
            )
            if body.get("is_default_for_provider"):
                self._make_default(owner, credential_id, provider)

    def delete_credentials(self, principal: Principal, credential_id: int, principal_id: int | None = None) -> None:
        with self._store.write() as connection:
            self._require(self._owner(principal, principal_id), credential_id)
            connection.execute("DELETE FROM git_credentials WHERE id = ?", (credential_id,))

    def login(self, principal: Principal, provider: str, credential_id: int | None = None) -> Login | None:
        """The login that a principal uses at a provider: its default there, or the one named by id."""
        if credential_id is not None:
            return self._login(self._require(principal.id, credential_id))
        rows = [row for row in self._rows(principal.id) if row["git_provider"].lower() == provider.lower()]
        rows.sort(key=lambda row: -int(row["is_default"]))
        return self._login(rows[0]) if rows else None

    def _login(self, row: sqlite3.Row) -> Login | None:
        if row["sealed"] is None:
            return None
        return Login(row["git_username"] or row["git_email"] or "token", self._vault.decrypt(row["sealed"]).decode())

    def _owner(self, principal: Principal, principal_id: Any) -> int:
        if principal_id in (None, "", principal.id, str(principal.id)):
            return principal.id
        if not str(principal_id).isdecimal() or not self._identity.may_manage(principal, int(principal_id)):
            raise PermissionDenied(f"{principal.name} is not a manager of service principal {principal_id}")
        return int(principal_id)

    def _rows(self, owner: int) -> list[sqlite3.Row]:
        return self._store.rows("SELECT * FROM git_credentials WHERE owner_id = ? ORDER BY id", (owner,))

    def _require(self, owner: int, credential_id: int) -> sqlite3.Row:
        row = next((row for row in self._rows(owner) if row["id"] == credential_id), None)
        if row is None:
            raise NotFound(f"Git credential with the given ID {credential_id} could not be found.")
        return row

    def _make_default(self, owner: int, credential_id: int, provider: str) -> None:
        with self._store.write() as connection:
            connection.execute(
                "UPDATE git_credentials SET is_default = (id = ?) WHERE owner_id = ? AND lower(git_provider) = ?",
                (credential_id, owner, provider.lower()),
            )

    def _sealed(self, token: Any) -> bytes | None:
        return self._vault.encrypt(str(token).encode()) if token else None


def known_provider(name: Any) -> str:
    """The provider's name as Databricks spells it; raises BadRequest for one that it does not know."""
    provider = PROVIDERS.get(str(name).lower())
    if provider is None:
        raise BadRequest(f"git provider {name!r} is not one of {', '.join(PROVIDERS.values())}")
    return provider


def _info(row: sqlite3.Row) -> dict[str, Any]:
    info = {
        "credential_id": row["id"],
        "git_provider": row["git_provider"],
        "git_username": row["git_username"],
        "git_email": row["git_email"],
        "name": row["name"],
        "is_default_for_provider": bool(row["is_default"]),
    }
    return {key: value for key, value in info.items() if value is not None}
