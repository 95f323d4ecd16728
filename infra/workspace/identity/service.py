"""Who is who: principals, tokens, OAuth, and who may act as whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest, NotFound, PermissionDenied, Unauthenticated
from infra.workspace.identity.directory import ADMINS, USERS, Directory, Kind, Record
from infra.workspace.identity.oauth import OAuth
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.rule_sets import RuleSets
from infra.workspace.identity.scim import ScimService
from infra.workspace.identity.tokens import DEFAULT_LIFETIME, Issued, TokenKind, TokenStore
from infra.workspace.store.database import Store

_GROUP_ENTITLEMENTS = {
    ADMINS: ("allow-cluster-create", "allow-instance-pool-create", "databricks-sql-access", "workspace-access"),
    USERS: ("databricks-sql-access", "workspace-access"),
}


class IdentityService:
    """The room's front: authentication and tokens here; `scim`, `oauth` and `rule_sets` serve their own routes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self.directory = Directory(store)
        self._tokens = TokenStore(store, clock)
        self.scim = ScimService(store, self.directory)
        self.rule_sets = RuleSets(store, self.directory)
        self.oauth = OAuth(store, clock, self.directory, self._tokens, self.rule_sets)
        self._require_token_use: Callable[[Principal], None] = lambda principal: None
        self._make_system_groups()

    def authenticate(self, token: str) -> Principal:
        """The principal whose valid token this is; raises Unauthenticated.

        Read from the store each time (some 0.1 ms): a revoked token or a lost group counts with the next call.
        """
        owner = self._tokens.owner_of(token)
        record = None if owner is None else self.directory.get(owner)
        if record is None:
            raise Unauthenticated("the token is not valid or has expired")
        if not record.active:
            raise Unauthenticated(f"{record.display_name} is deactivated")
        return self.directory.principal(record)

    def issue_token(self, principal: Principal, lifetime: timedelta, comment: str = "") -> str:
        """A token for the workspace's own use (a run, a browser session); no list shows it."""
        return self._tokens.issue(principal.id, TokenKind.SESSION, lifetime, comment, principal).value

    def revoke(self, token: str) -> None:
        """Ends a token now; one that is unknown or has expired is left as it is."""
        self._tokens.delete_value(token)

    def bootstrap(self, admin_name: str) -> str:
        """A token without end for the first admin, who is made if need be; every call issues another token."""
        with self._store.write():
            record = self.directory.find(Kind.USER, admin_name) or self._make_admin(admin_name)
            principal = self.directory.principal(record)
            return self._tokens.issue(record.id, TokenKind.PERSONAL, None, "first admin", principal).value

    def find(self, name: str) -> Principal:
        """The active user of that name, or service principal with that application id; raises NotFound."""
        record = self.directory.find_acting(name)
        if record is None or not record.active:
            raise NotFound(f"Principal {name} does not exist")
        return self.directory.principal(record)

    def by_id(self, principal_id: int) -> Principal:
        """The user or service principal with that id, active or not; raises NotFound."""
        record = self.directory.get(principal_id)
        if record is None or record.kind is Kind.GROUP:
            raise NotFound(f"Principal {principal_id} does not exist")
        return self.directory.principal(record)

    def group_exists(self, name: str) -> bool:
        return self.directory.find(Kind.GROUP, name) is not None

    def entitled(self, principal: Principal, entitlement: str) -> bool:
        """Whether a principal has an entitlement such as allow-cluster-create, itself or through a group."""
        record = self.directory.get(principal.id)
        return principal.admin or (record is not None and entitlement in self.directory.entitlements(record))

    def may_run_as(self, principal: Principal, target: Principal) -> bool:
        """Everyone may run as itself, admins as anyone, others as service principals whose user they are."""
        if principal.id == target.id or principal.admin:
            return True
        return target.kind == "service_principal" and self.rule_sets.may_use(principal, target.id)

    def may_manage(self, principal: Principal, service_principal_id: int) -> bool:
        """Whether a principal may keep a service principal's credentials (its managers, admins, itself)."""
        record = self.directory.get(service_principal_id)
        return principal.id == service_principal_id or (
            record is not None
            and record.kind is Kind.SERVICE_PRINCIPAL
            and self.rule_sets.may_manage(principal, record)
        )

    def guard_tokens(self, require: Callable[[Principal], None]) -> None:
        """Has `require` asked before anyone makes itself a personal access token."""
        self._require_token_use = require

    def create_token(self, principal: Principal, body: dict[str, Any]) -> dict[str, Any]:
        self._require_token_use(principal)
        return _created(self._issue_personal(principal.id, body, principal), _PUBLIC)

    def list_tokens(self, principal: Principal) -> dict[str, Any]:
        return {"token_infos": [_cut(info, _PUBLIC) for info in self._tokens.personal(principal.id)]}

    def delete_token(self, principal: Principal, token_id: str) -> None:
        info = self._tokens.info(token_id)
        if info is None or info["owner_id"] != principal.id:
            raise NotFound(f"Token with ID {token_id} does not exist")
        self._tokens.delete(token_id)

    def create_obo_token(self, principal: Principal, body: dict[str, Any]) -> dict[str, Any]:
        """A token that an admin makes on behalf of a service principal."""
        _require_admin(principal)
        application_id = str(body.get("application_id", ""))
        record = self.directory.find(Kind.SERVICE_PRINCIPAL, application_id)
        if record is None:
            raise NotFound(f"service principal {application_id} does not exist")
        return _created(self._issue_personal(record.id, body, principal), None)

    def list_all_tokens(
        self, principal: Principal, created_by_id: int | None = None, created_by_username: str | None = None
    ) -> dict[str, Any]:
        _require_admin(principal)
        infos = [
            info
            for info in self._tokens.personal()
            if created_by_id in (None, info["created_by_id"])
            and created_by_username in (None, info["created_by_username"])
        ]
        return {"token_infos": infos}

    def get_managed_token(self, principal: Principal, token_id: str) -> dict[str, Any]:
        _require_admin(principal)
        return {"token_info": self._require_token(token_id)}

    def delete_managed_token(self, principal: Principal, token_id: str) -> None:
        _require_admin(principal)
        self._require_token(token_id)
        self._tokens.delete(token_id)

    def _issue_personal(self, owner_id: int, body: dict[str, Any], creator: Principal) -> Issued:
        comment = str(body.get("comment") or "")
        return self._tokens.issue(owner_id, TokenKind.PERSONAL, _lifetime(body), comment, creator)

    def _require_token(self, token_id: str) -> dict[str, Any]:
        info = self._tokens.info(token_id)
        if info is None:
            raise NotFound(f"Token with ID {token_id} does not exist")
        return info

    def _make_admin(self, name: str) -> Record:
        record = Record(
            self.directory.next_id(),
            Kind.USER,
            name,
            name,
            profile={"emails": [{"type": "work", "value": name, "primary": True}]},
        )
        self.directory.save(record)
        for group_name in (ADMINS, USERS):
            group = self.directory.find(Kind.GROUP, group_name)
            assert group is not None, "system groups are made with the service"  # noqa: S101 - an invariant
            self.directory.add_member(group.id, record.id)
        return record

    def _make_system_groups(self) -> None:
        with self._store.write():
            for name, entitlements in _GROUP_ENTITLEMENTS.items():
                if self.directory.find(Kind.GROUP, name) is None:
                    group_id = self.directory.next_id()
                    self.directory.save(Record(group_id, Kind.GROUP, name, name, entitlements=entitlements))


_PUBLIC = frozenset({"token_id", "creation_time", "expiry_time", "comment"})


def _created(issued: Issued, fields: frozenset[str] | None) -> dict[str, Any]:
    return {"token_value": issued.value, "token_info": _cut(issued.info, fields)}


def _cut(info: dict[str, Any], fields: frozenset[str] | None) -> dict[str, Any]:
    return info if fields is None else {key: value for key, value in info.items() if key in fields}


def _lifetime(body: dict[str, Any]) -> timedelta:
    seconds = body.get("lifetime_seconds")
    if seconds in (None, 0, -1):
        return DEFAULT_LIFETIME
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= 63_072_000:
        raise BadRequest(f"lifetime_seconds is a number of seconds, two years at most, not {seconds!r}")
    return timedelta(seconds=seconds)


def _require_admin(principal: Principal) -> None:
    if not principal.admin:
        raise PermissionDenied("Only workspace admins may manage the tokens of others.")
