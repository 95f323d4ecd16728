"""Rule sets: who may run jobs as a service principal, and who manages it or a group."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from infra.workspace.gateway.errors import BadRequest, Conflict, NotFound, NotSupported, PermissionDenied
from infra.workspace.identity.directory import Directory, Kind, Record
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

USER_ROLE = "roles/servicePrincipal.user"
MANAGER_ROLE = "roles/servicePrincipal.manager"
GROUP_MANAGER_ROLE = "roles/group.manager"

_ROLES = {Kind.SERVICE_PRINCIPAL: (USER_ROLE, MANAGER_ROLE), Kind.GROUP: (GROUP_MANAGER_ROLE,)}
_RESOURCE = re.compile(r"accounts/[^/]+/(?P<type>servicePrincipals|groups)/(?P<id>[^/]+)")
_SUFFIX = "/ruleSets/default"
_PRINCIPAL_KINDS = {"users": Kind.USER, "groups": Kind.GROUP, "servicePrincipals": Kind.SERVICE_PRINCIPAL}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rule_set_versions (
    resource_id INTEGER PRIMARY KEY REFERENCES principals (id) ON DELETE CASCADE, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS grant_rules (
    resource_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    principal_id INTEGER NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    PRIMARY KEY (resource_id, role, principal_id));
"""


class RuleSets:
    """The rules of one resource are replaced whole; the etag of the version that they replace must be given."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory
        store.schema("identity", _SCHEMA)

    def get_rule_set(self, principal: Principal, name: str) -> dict[str, Any]:
        resource = self._resource(name)
        self._require_manager(principal, resource)
        return self._answer(name, resource)

    def update_rule_set(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replaces the rules; raises Conflict where somebody else has changed them since `etag`."""
        name, rule_set = str(body.get("name", "")), body.get("rule_set")
        if not isinstance(rule_set, Mapping):
            raise BadRequest("rule_set is missing")
        with self._store.write() as connection:
            resource = self._resource(name)
            self._require_manager(principal, resource)
            if rule_set.get("etag") != self._etag(resource):
                raise Conflict(f"{name} was changed since; read it and use its etag")
            rules = self._parsed(resource, rule_set.get("grant_rules") or [])
            connection.execute("DELETE FROM grant_rules WHERE resource_id = ?", (resource.id,))
            connection.executemany(
                "INSERT OR IGNORE INTO grant_rules VALUES (?, ?, ?)",
                [(resource.id, role, holder.id) for role, holder in rules],
            )
            connection.execute(
                "INSERT INTO rule_set_versions VALUES (?, 1)"
                " ON CONFLICT (resource_id) DO UPDATE SET version = version + 1",
                (resource.id,),
            )
            return self._answer(name, resource)

    def assignable_roles(self, principal: Principal, resource: str) -> dict[str, Any]:
        record = self._resource(resource + _SUFFIX)
        return {"roles": [{"name": role} for role in _ROLES[record.kind]]}

    def may_use(self, principal: Principal, service_principal_id: int) -> bool:
        """Whether a principal holds the role servicePrincipal.user, itself or through a group."""
        return self._holds(principal, service_principal_id, USER_ROLE)

    def may_manage(self, principal: Principal, resource: Record) -> bool:
        role = GROUP_MANAGER_ROLE if resource.kind is Kind.GROUP else MANAGER_ROLE
        return principal.admin or self._holds(principal, resource.id, role)

    def _holds(self, principal: Principal, resource_id: int, role: str) -> bool:
        holders = {principal.id, *self._directory.group_ids_above(principal.id)}
        rows = self._store.rows(
            "SELECT principal_id FROM grant_rules WHERE resource_id = ? AND role = ?", (resource_id, role)
        )
        return any(row["principal_id"] in holders for row in rows)

    def _require_manager(self, principal: Principal, resource: Record) -> None:
        if not self.may_manage(principal, resource):
            raise PermissionDenied(f"{principal.name} is not a manager of {resource.display_name}")

    def _resource(self, name: str) -> Record:
        if not name.endswith(_SUFFIX):
            raise BadRequest(f"a rule set is named accounts/<id>/servicePrincipals/<id>{_SUFFIX}, not {name!r}")
        match = _RESOURCE.fullmatch(name.removesuffix(_SUFFIX))
        if match is None:
            raise NotSupported(f"the local workspace has rule sets of service principals and groups, not {name!r}")
        if match["type"] == "servicePrincipals":
            record = self._directory.find(Kind.SERVICE_PRINCIPAL, match["id"])
        else:
            record = self._directory.get(int(match["id"])) if match["id"].isdecimal() else None
        if record is None:
            raise NotFound(f"{match['type']}/{match['id']} does not exist")
        return record

    def _parsed(self, resource: Record, rules: list[Mapping[str, Any]]) -> list[tuple[str, Record]]:
        found = []
        for rule in rules:
            role = str(rule.get("role", ""))
            if role not in _ROLES[resource.kind]:
                raise BadRequest(f"role {role!r} cannot be given here; there are {', '.join(_ROLES[resource.kind])}")
            found += [(role, self._holder(str(name))) for name in rule.get("principals") or []]
        return found

    def _holder(self, name: str) -> Record:
        prefix, _, rest = name.partition("/")
        kind = _PRINCIPAL_KINDS.get(prefix)
        record = None if kind is None else self._directory.find(kind, rest)
        if record is None:
            raise NotFound(f"principal {name} does not exist")
        return record

    def _answer(self, name: str, resource: Record) -> dict[str, Any]:
        rows = self._store.rows(
            "SELECT role, principal_id FROM grant_rules WHERE resource_id = ? ORDER BY role, principal_id",
            (resource.id,),
        )
        rules: dict[str, list[str]] = {}
        for row in rows:
            holder = self._directory.get(row["principal_id"])
            if holder is not None:
                prefix = next(key for key, kind in _PRINCIPAL_KINDS.items() if kind is holder.kind)
                rules.setdefault(row["role"], []).append(f"{prefix}/{holder.name}")
        grant_rules = [{"role": role, "principals": holders} for role, holders in rules.items()]
        return {"name": name, "etag": self._etag(resource), "grant_rules": grant_rules}

    def _etag(self, resource: Record) -> str:
        row = self._store.row("SELECT version FROM rule_set_versions WHERE resource_id = ?", (resource.id,))
        version = 0 if row is None else row["version"]
        return base64.b64encode(f"{resource.id}:{version}".encode()).decode()
