"""SCIM 2.0 for users, groups and service principals: admins change them, everyone may look them up."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from infra.workspace.identity.directory import (
    ADMINS,
    SYSTEM_GROUPS,
    USERS,
    Directory,
    Kind,
    NameInUse,
    Record,
)
from infra.workspace.identity.errors import ScimBadRequest, ScimConflict, ScimForbidden, ScimNotFound
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_filter import parse_filter, values_at
from infra.workspace.identity.scim_json import (
    LIST_SCHEMA,
    ResourceType,
    as_current_user,
    as_resource,
    from_resource,
    with_attributes,
)
from infra.workspace.identity.scim_patch import apply_patch, value_list
from infra.workspace.store.database import Store

Resource = dict[str, Any]
_TAKEN = {
    Kind.USER: "User with username {} already exists.",
    Kind.GROUP: "Group with name {} already exists.",
    Kind.SERVICE_PRINCIPAL: "Service principal with application ID {} already exists.",
}


class ScimService:
    """Raises ScimNotFound, ScimConflict for a name that is taken, ScimBadRequest, and ScimForbidden for non-admins."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    def create(self, principal: Principal, resource_type: ResourceType, resource: Mapping[str, Any]) -> Resource:
        _require_admin(principal)
        kind = resource_type.kind
        name = _application_id(resource) if kind is Kind.SERVICE_PRINCIPAL else ""
        with self._store.write():
            blank = Record(self._directory.next_id(), kind, name, name)
            record = from_resource(blank, resource)
            self._save_new(record)
            if kind is Kind.GROUP:
                self._set_members(record, resource)
            return as_resource(record, self._directory)

    def get(
        self,
        principal: Principal,
        resource_type: ResourceType,
        id: str,
        attributes: str | None = None,
        excluded: str | None = None,
    ) -> Resource:
        record = self._require(resource_type, id)
        return with_attributes(as_resource(record, self._directory), attributes, excluded)

    def me(self, principal: Principal) -> Resource:
        record = self._directory.get(principal.id)
        if record is None:
            raise ScimNotFound(f"the caller {principal.name} was deleted")
        return as_current_user(record, self._directory)

    def list(
        self,
        principal: Principal,
        resource_type: ResourceType,
        *,
        filter: str | None = None,
        start_index: int = 1,
        count: int | None = None,
        attributes: str | None = None,
        excluded: str | None = None,
        sort_by: str | None = None,
        descending: bool = False,
    ) -> Resource:
        """One page of a list; `start_index` counts from 1, and a negative `count` means 0 (RFC 7644, 3.4.2.4)."""
        found = [as_resource(record, self._directory) for record in self._directory.all(resource_type.kind)]
        if filter:
            matches = parse_filter(filter)
            found = [resource for resource in found if matches(resource)]
        if sort_by:
            found.sort(key=lambda resource: str(next(iter(values_at(resource, sort_by)), "")), reverse=descending)
        first = max(start_index, 1) - 1
        page = found[first:] if count is None else found[first : first + max(count, 0)]
        return {
            "schemas": [LIST_SCHEMA],
            "totalResults": len(found),
            "startIndex": first + 1,
            "itemsPerPage": len(page),
            "Resources": [with_attributes(resource, attributes, excluded) for resource in page],
        }

    def replace(
        self, principal: Principal, resource_type: ResourceType, id: str, resource: Mapping[str, Any]
    ) -> Resource:
        """PUT: what is not given is cleared, but for memberships of users, which belong to the groups."""
        _require_admin(principal)
        with self._store.write():
            record = self._require(resource_type, id)
            return self._change(record, resource)

    def patch(self, principal: Principal, resource_type: ResourceType, id: str, operations: Mapping[str, Any]) -> None:
        _require_admin(principal)
        with self._store.write():
            record = self._require(resource_type, id)
            self._change(record, apply_patch(as_resource(record, self._directory), operations))

    def delete(self, principal: Principal, resource_type: ResourceType, id: str) -> None:
        _require_admin(principal)
        with self._store.write():
            record = self._require(resource_type, id)
            if record.kind is Kind.GROUP and record.name in SYSTEM_GROUPS:
                raise ScimBadRequest(f"the group {record.name} cannot be deleted", "mutability")
            self._directory.delete(record.id)
            self._require_an_admin()

    def _change(self, record: Record, resource: Mapping[str, Any]) -> Resource:
        changed = from_resource(record, resource)
        try:
            self._directory.save(changed)
        except NameInUse as error:
            raise ScimConflict(_TAKEN[record.kind].format(changed.name)) from error
        if record.kind is Kind.GROUP:
            self._set_members(changed, resource)
        self._require_an_admin()
        return as_resource(changed, self._directory)

    def _save_new(self, record: Record) -> None:
        try:
            self._directory.save(record)
        except NameInUse as error:
            raise ScimConflict(_TAKEN[record.kind].format(record.name)) from error
        users = self._directory.find(Kind.GROUP, USERS)
        if record.kind is not Kind.GROUP and users is not None:
            self._directory.add_member(users.id, record.id)

    def _set_members(self, group: Record, resource: Mapping[str, Any]) -> None:
        wanted = {self._member_id(item["value"]) for item in value_list(resource.get("members"))}
        if group.name == USERS and wanted != {member.id for member in self._directory.members(group.id)}:
            raise ScimBadRequest("everyone in the workspace is in the group users; delete the user", "mutability")
        if wanted & {group.id, *self._directory.group_ids_above(group.id)}:
            raise ScimBadRequest(f"the group {group.name} would contain itself", "invalidValue")
        self._directory.set_members(group.id, wanted)

    def _member_id(self, value: str) -> int:
        if not value.isdecimal() or self._directory.get(int(value)) is None:
            raise ScimBadRequest(f"member {value} does not exist", "invalidValue")
        return int(value)

    def _require(self, resource_type: ResourceType, id: str) -> Record:
        record = self._directory.get(int(id)) if id.isdecimal() and len(id) < 19 else None
        if record is None or record.kind is not resource_type.kind:
            raise ScimNotFound(f"{resource_type.value.removesuffix('s')} with id {id} not found.")
        return record

    def _require_an_admin(self) -> None:
        """Nobody could ever repair a workspace without one."""
        admins = self._directory.find(Kind.GROUP, ADMINS)
        if admins is not None and not self._has_active_member(admins):
            raise ScimBadRequest("a workspace needs at least one active admin", "mutability")

    def _has_active_member(self, group: Record) -> bool:
        members = self._directory.members(group.id)
        return any(
            self._has_active_member(member) if member.kind is Kind.GROUP else member.active for member in members
        )


def _require_admin(principal: Principal) -> None:
    if not principal.admin:
        raise ScimForbidden("Only workspace admins may manage users, groups and service principals.")


def _application_id(resource: Mapping[str, Any]) -> str:
    given = resource.get("applicationId")
    if not given:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(str(given)))
    except ValueError:
        raise ScimBadRequest(f"applicationId {given!r} is not a UUID", "invalidValue") from None
