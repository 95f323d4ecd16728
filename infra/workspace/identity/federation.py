"""Federation of service principals: policies that say whose tokens stand for one, and the exchange of such a token."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import AlreadyExists, BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.directory import Directory, Kind, Record
from infra.workspace.identity.errors import OAuthError
from infra.workspace.identity.federation_policy import ACCOUNT_ID, TokenRefused, checked, keys_of, require
from infra.workspace.identity.issuers import IssuerUnreachable
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.signatures import BadToken, Key, read_token
from infra.workspace.store.database import Store

MAX_POLICIES = 20
_POLICY_ID = re.compile(r"[a-z0-9]([a-z0-9/-]{0,126}[a-z0-9])?")
_READ_ONLY = frozenset({"name", "uid", "policy_id", "service_principal_id", "create_time", "update_time"})

_SCHEMA = """
CREATE TABLE IF NOT EXISTS federation_policies (
    uid TEXT PRIMARY KEY,
    owner_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    policy_id TEXT NOT NULL,
    description TEXT NOT NULL,
    oidc_policy TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    UNIQUE (owner_id, policy_id));
"""


class Federation:
    """Policies are kept by administrators; with a token that one of them accepts anyone is its service principal."""

    def __init__(self, store: Store, clock: Clock, directory: Directory) -> None:
        self._store = store
        self._clock = clock
        self._directory = directory
        store.schema("identity", _SCHEMA)

    def create_policy(
        self, principal: Principal, account_id: str, owner_id: str, body: Mapping[str, Any], policy_id: str | None
    ) -> dict[str, Any]:
        """A new policy; without `policy_id` it gets one. At most 20 for one service principal."""
        owner = self._owner(principal, account_id, owner_id)
        given = _given(body)
        policy_id = policy_id or str(uuid.uuid4())
        if not _POLICY_ID.fullmatch(policy_id):
            raise BadRequest("policy_id has lower-case letters, digits, hyphens and slashes only")
        with self._store.write() as connection:
            if len(self._rows(owner)) >= MAX_POLICIES:
                raise BadRequest(f"{owner.display_name} has {MAX_POLICIES} federation policies already")
            now = self._clock.now_ms()
            oidc_policy = json.dumps(checked(given.get("oidc_policy")))
            row = (str(uuid.uuid4()), owner.id, policy_id, _description(given), oidc_policy, now, now)
            try:
                connection.execute("INSERT INTO federation_policies VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                raise AlreadyExists(f"{owner.display_name} has a federation policy {policy_id} already") from error
            return _answer(self._row(owner, policy_id))

    def get_policy(self, principal: Principal, account_id: str, owner_id: str, policy_id: str) -> dict[str, Any]:
        return _answer(self._row(self._owner(principal, account_id, owner_id), policy_id))

    def list_policies(
        self, principal: Principal, account_id: str, owner_id: str, page_size: int | None, page_token: str | None
    ) -> dict[str, Any]:
        """A page of the policies in the order of their making; the token is the number of those before it."""
        rows = self._rows(self._owner(principal, account_id, owner_id))
        if page_token and not page_token.isdecimal():
            raise BadRequest("page_token is not one of an earlier answer")
        begin = int(page_token or 0)
        end = begin + (page_size if page_size and page_size > 0 else MAX_POLICIES)
        page: dict[str, Any] = {"policies": [_answer(row) for row in rows[begin:end]]}
        return page if end >= len(rows) else {**page, "next_page_token": str(end)}

    def update_policy(
        self,
        principal: Principal,
        account_id: str,
        owner_id: str,
        policy_id: str,
        body: Mapping[str, Any],
        update_mask: str | None,
    ) -> dict[str, Any]:
        """Changes the fields that the mask names (`*`: all); without a mask those that are given."""
        owner = self._owner(principal, account_id, owner_id)
        with self._store.write() as connection:
            present = _answer(self._row(owner, policy_id))
            wanted = _updated(present, _given(body), update_mask)
            connection.execute(
                "UPDATE federation_policies SET description = ?, oidc_policy = ?, updated_ms = ? WHERE uid = ?",
                (
                    _description(wanted),
                    json.dumps(checked(wanted.get("oidc_policy"))),
                    self._clock.now_ms(),
                    present["uid"],
                ),
            )
            return _answer(self._row(owner, policy_id))

    def delete_policy(self, principal: Principal, account_id: str, owner_id: str, policy_id: str) -> None:
        owner = self._owner(principal, account_id, owner_id)
        with self._store.write() as connection:
            connection.execute("DELETE FROM federation_policies WHERE uid = ?", (self._row(owner, policy_id)["uid"],))

    def service_principal(self, client_id: str, token: str) -> Record:
        """The service principal with this application id, where one of its policies accepts the token.

        Raises OAuthError. An unknown principal is answered like one without a policy for the token's issuer.
        """
        try:
            signed = read_token(token)
        except BadToken as error:
            raise OAuthError(str(error), "invalid_grant") from error
        owner = self._directory.find(Kind.SERVICE_PRINCIPAL, client_id)
        rows = self._rows(owner) if owner is not None and owner.active else []
        policies = [json.loads(row["oidc_policy"]) for row in rows]
        reason = "the service principal has no federation policy for the token's issuer"
        keys: dict[str, tuple[Key, ...]] = {}
        for policy in policies:
            if policy["issuer"] != signed.alleged_issuer:
                continue
            source = policy.get("jwks_json") or policy.get("jwks_uri") or policy["issuer"]
            try:
                keys[source] = keys.get(source) or keys_of(policy)
                require(policy, signed.claims_proved_by(keys[source]), self._clock.now())
            except (BadToken, TokenRefused, IssuerUnreachable) as error:
                reason = str(error)
                continue
            assert owner is not None  # noqa: S101 - policies are an owner's
            return owner
        raise OAuthError(reason, "invalid_grant")

    def _owner(self, principal: Principal, account_id: str, owner_id: str) -> Record:
        if account_id != ACCOUNT_ID:
            raise NotFound(f"account {account_id} does not exist: the local workspace's is {ACCOUNT_ID}")
        if not principal.admin:
            raise PermissionDenied("Only admins may manage federation policies.")
        record = self._directory.get(int(owner_id)) if owner_id.isdecimal() else None
        if record is None or record.kind is not Kind.SERVICE_PRINCIPAL:
            raise NotFound(f"service principal {owner_id} does not exist")
        return record

    def _rows(self, owner: Record) -> list[sqlite3.Row]:
        return self._store.rows("SELECT * FROM federation_policies WHERE owner_id = ? ORDER BY rowid", (owner.id,))

    def _row(self, owner: Record, policy_id: str) -> sqlite3.Row:
        row = self._store.row(
            "SELECT * FROM federation_policies WHERE owner_id = ? AND policy_id = ?", (owner.id, policy_id)
        )
        if row is None:
            raise NotFound(f"service principal {owner.display_name} has no federation policy {policy_id}")
        return row


def _given(body: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = sorted(body.keys() - _READ_ONLY - {"description", "oidc_policy"})
    if unknown:
        raise BadRequest(f"a federation policy has no field {', '.join(unknown)}")
    return body


def _updated(present: Mapping[str, Any], given: Mapping[str, Any], update_mask: str | None) -> dict[str, Any]:
    if update_mask == "*":
        return dict(given)
    oidc = given.get("oidc_policy") or {}
    fields = [name for name in ("description",) if name in given] + [f"oidc_policy.{name}" for name in oidc]
    wanted = {"description": present.get("description", ""), "oidc_policy": dict(present["oidc_policy"])}
    for path in update_mask.split(",") if update_mask else fields:
        field, _, inner = path.strip().partition(".")
        if field not in wanted or (inner and field != "oidc_policy"):
            raise BadRequest(f"update_mask: a federation policy has no field {path!r} that can be changed")
        if inner:
            wanted["oidc_policy"][inner] = oidc.get(inner)
        else:
            wanted[field] = given.get(field)
    return wanted


def _description(given: Mapping[str, Any]) -> str:
    description = given.get("description") or ""
    if not isinstance(description, str):
        raise BadRequest("description is text")
    return description


def _answer(row: sqlite3.Row) -> dict[str, Any]:
    principal = f"accounts/{ACCOUNT_ID}/servicePrincipals/{row['owner_id']}"
    described = {"description": row["description"]} if row["description"] else {}
    return {
        "name": f"{principal}/federationPolicies/{row['policy_id']}",
        "uid": row["uid"],
        "policy_id": row["policy_id"],
        "service_principal_id": row["owner_id"],
        **described,
        "oidc_policy": json.loads(row["oidc_policy"]),
        "create_time": _time(row["created_ms"]),
        "update_time": _time(row["updated_ms"]),
    }


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
