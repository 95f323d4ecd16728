"""Access control lists of workspace objects: who holds which level, directly or by inheritance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.workspace.gateway.errors import BadRequest, NotFound, NotSupported, PermissionDenied
from infra.workspace.identity.acl_store import AclStore
from infra.workspace.identity.directory import ADMINS, USERS, Kind, Record
from infra.workspace.identity.levels import MANAGE, OWNER, ObjectType, object_type_of
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.store.database import Store

ParentOf = Callable[[str, str], tuple[str, str] | None]
_REGISTRY_ROOT = ("registered-models", "root")


class Permissions:
    """What other rooms ask, and the Permissions API.

    A room registers its types with a check of existence, grants the creator of an object with `grant_owner` and ends
    with `forget`. `parent_of` (type and id to the folder above, None at the top) is given by the workspace tree.
    """

    def __init__(self, store: Store, identity: IdentityService) -> None:
        self._store = store
        self._directory = identity.directory
        self._acls = AclStore(store)
        self._exists: dict[str, Callable[[str], bool]] = {"authorization": lambda object_id: True}
        self.parent_of: ParentOf = lambda object_type, object_id: None
        identity.guard_tokens(lambda principal: self.require(principal, "authorization", "tokens", "CAN_USE"))
        with store.write():
            if store.next_id("permissions_defaults") == 1:
                self._set_defaults()

    def register_type(self, object_type: str, exists: Callable[[str], bool]) -> None:
        """Opens the Permissions API for a type; `exists` says whether there is an object of that id."""
        self._exists[object_type] = exists

    def level(self, principal: Principal, object_type: str, object_id: str) -> str | None:
        """The highest level that a principal holds on an object in any way, None for none."""
        kind = _type(object_type, object_id)
        if principal.admin:
            return kind.admin_level
        held = self._acls.held(kind.path, object_id, principal.id)
        for above, above_id in self._above(kind, object_id):
            inherited = (kind.closest(level, above) for level in self._acls.held(above.path, above_id, principal.id))
            held += [level for level in inherited if level is not None]
        return max(held, key=kind.ranks.__getitem__, default=None)

    def allows(self, principal: Principal, object_type: str, object_id: str, level: str) -> bool:
        kind = _type(object_type, object_id)
        _require_level(kind, level)
        return principal.admin or kind.covers(self.level(principal, object_type, object_id), level)

    def require(self, principal: Principal, object_type: str, object_id: str, level: str) -> None:
        """Raises PermissionDenied unless a principal holds the level or a higher one."""
        if not self.allows(principal, object_type, object_id, level):
            name = _type(object_type, object_id).name
            raise PermissionDenied(f"{principal.name} does not have {level} permission on {name} {object_id}")

    def grant_owner(self, object_type: str, object_id: str, principal: Principal) -> None:
        """What the creator of an object holds: IS_OWNER where the type has owners, else CAN_MANAGE."""
        kind = _type(object_type, object_id)
        if kind.owned or MANAGE in kind.ranks:
            with self._store.write():
                entries = self._acls.entries(kind.path, object_id)
                kept = {holder: level for holder, level in entries.items() if level != OWNER}
                self._acls.replace(kind.path, object_id, {**kept, principal.id: kind.levels[-1]})

    def forget(self, object_type: str, object_id: str) -> None:
        """Drops the list of an object that is gone."""
        self._acls.forget(_type(object_type, object_id).path, object_id)

    def owner(self, object_type: str, object_id: str) -> Principal | None:
        """The owner, for types that have one; None once its principal was deleted."""
        entries = self._acls.entries(_type(object_type, object_id).path, object_id)
        record = next((self._directory.get(holder) for holder, level in entries.items() if level == OWNER), None)
        return None if record is None else self._directory.principal(record)

    def get_permissions(self, principal: Principal, object_type: str, object_id: str) -> dict[str, Any]:
        kind = self._known(object_type, object_id)
        self.require(principal, object_type, object_id, kind.levels[0])
        return self._answer(kind, object_id)

    def get_permission_levels(self, principal: Principal, object_type: str, object_id: str) -> dict[str, Any]:
        kind = self._known(object_type, object_id)
        self.require(principal, object_type, object_id, kind.levels[0])
        levels = [{"permission_level": level, "description": kind.describe(level)} for level in kind.levels]
        return {"permission_levels": levels}

    def set_permissions(
        self, principal: Principal, object_type: str, object_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Replaces all direct permissions; of types with owners, the list must name exactly one.

        A caller who is not in the list and would lose CAN_MANAGE by it keeps that.
        """
        with self._store.write():
            kind = self._managed(principal, object_type, object_id)
            return self._replace(principal, kind, object_id, self._parsed(kind, body))

    def update_permissions(
        self, principal: Principal, object_type: str, object_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Sets the levels of those listed and leaves others; a former owner keeps CAN_MANAGE."""
        with self._store.write():
            kind = self._managed(principal, object_type, object_id)
            given, entries = self._parsed(kind, body), self._acls.entries(kind.path, object_id)
            if OWNER in given.values():
                entries = {holder: MANAGE if level == OWNER else level for holder, level in entries.items()}
            return self._replace(principal, kind, object_id, {**entries, **given})

    def _replace(
        self, principal: Principal, kind: ObjectType, object_id: str, entries: Mapping[int, str]
    ) -> dict[str, Any]:
        if kind.owned:
            self._check_owner(principal, kind, object_id, entries)
        self._acls.replace(kind.path, object_id, entries)
        if principal.id not in entries and not self.allows(principal, kind.path, object_id, kind.admin_level):
            # Nobody locks itself out: Terraform's provider leaves the caller out of the lists of experiments and
            # directories, and counts on managing them afterwards.
            self._acls.replace(kind.path, object_id, {**entries, principal.id: kind.admin_level})
        return self._answer(kind, object_id)

    def _check_owner(self, principal: Principal, kind: ObjectType, object_id: str, entries: Mapping[int, str]) -> None:
        owners = [holder for holder, level in entries.items() if level == OWNER]
        if len(owners) != 1:
            raise BadRequest(f"The {kind.name} must have exactly one owner.")
        record = self._directory.get(owners[0])
        if record is None or record.kind is Kind.GROUP:
            raise BadRequest(f"A group cannot be the owner of the {kind.name}.")
        former = self.owner(kind.path, object_id)
        changed = former is not None and former.id != owners[0]
        if changed and not principal.admin and former is not None and former.id != principal.id:
            raise PermissionDenied(f"Only an admin or the owner may give the {kind.name} another owner.")

    def _managed(self, principal: Principal, object_type: str, object_id: str) -> ObjectType:
        kind = self._known(object_type, object_id)
        if MANAGE in kind.ranks:
            self.require(principal, object_type, object_id, MANAGE)
        elif not principal.admin:
            raise PermissionDenied(f"Only workspace admins may change the permissions of a {kind.name}.")
        return kind

    def _known(self, object_type: str, object_id: str) -> ObjectType:
        kind = _type(object_type, object_id)
        exists = self._exists.get(kind.path)
        if exists is None:
            raise NotSupported(f"the local workspace has no {kind.path} (/api/2.0/permissions/{kind.path})")
        if (kind.path, object_id) != _REGISTRY_ROOT and not exists(object_id):
            raise NotFound(f"{kind.name} {object_id} does not exist.")
        return kind

    def _parsed(self, kind: ObjectType, body: Mapping[str, Any]) -> dict[int, str]:
        """Levels by principal id; of several levels for one principal the highest counts."""
        found: dict[int, str] = {}
        for item in body.get("access_control_list") or []:
            level = str(item.get("permission_level", ""))
            _require_level(kind, level)
            record = self._holder(item)
            if record.name == ADMINS and record.kind is Kind.GROUP and kind.admins != "listed":
                if level != kind.admin_level:
                    raise BadRequest(f"Cannot change permissions for group 'admins' to {level}.")
                continue
            if record.id not in found or kind.covers(level, found[record.id]):
                found[record.id] = level
        return found

    def _holder(self, item: Mapping[str, Any]) -> Record:
        """A user name may be a service principal's application id, as clients send their own name in any case."""
        if item.get("group_name"):
            name, record = item["group_name"], self._directory.find(Kind.GROUP, str(item["group_name"]))
        elif item.get("service_principal_name"):
            name = item["service_principal_name"]
            record = self._directory.find(Kind.SERVICE_PRINCIPAL, str(name))
        elif item.get("user_name"):
            name, record = item["user_name"], self._directory.find_acting(str(item["user_name"]))
        else:
            raise BadRequest("an access control entry names a user, a group or a service principal")
        if record is None:
            raise NotFound(f"Principal {name} does not exist.")
        return record

    def _answer(self, kind: ObjectType, object_id: str) -> dict[str, Any]:
        held: dict[int, list[dict[str, Any]]] = {}
        for holder, level in self._acls.entries(kind.path, object_id).items():
            held.setdefault(holder, []).append(_permission(level))
        for above, above_id in self._above(kind, object_id):
            for holder, level in self._acls.entries(above.path, above_id).items():
                here = kind.closest(level, above)
                if here is not None:
                    held.setdefault(holder, []).append(_permission(here, f"/{above.path}/{above_id}"))
        admins = self._directory.find(Kind.GROUP, ADMINS)
        if admins is not None and kind.admins != "listed":
            root = f"/{kind.path}/" if kind.admins == "inherited" else None
            held.setdefault(admins.id, []).append(_permission(kind.admin_level, root))
        entries = [self._entry(holder, permissions) for holder, permissions in held.items()]
        return {
            "object_id": f"/{kind.path}/{object_id}",
            "object_type": kind.name,
            "access_control_list": entries,
        }

    def _entry(self, holder: int, permissions: list[dict[str, Any]]) -> dict[str, Any]:
        record = self._directory.get(holder)
        assert record is not None, "entries go with their principal"  # noqa: S101 - a foreign key holds it
        if record.kind is Kind.GROUP:
            return {"group_name": record.name, "all_permissions": permissions}
        key = "user_name" if record.kind is Kind.USER else "service_principal_name"
        return {key: record.name, "display_name": record.display_name, "all_permissions": permissions}

    def _above(self, kind: ObjectType, object_id: str) -> Iterator[tuple[ObjectType, str]]:
        above = self.parent_of(kind.path, object_id)
        while above is not None:
            yield _type(*above), above[1]
            above = self.parent_of(*above)

    def _set_defaults(self) -> None:
        """As in a new workspace: everyone may make personal access tokens and use passwords."""
        users, admins = self._directory.find(Kind.GROUP, USERS), self._directory.find(Kind.GROUP, ADMINS)
        if users is not None and admins is not None:
            self._acls.replace("authorization", "tokens", {users.id: "CAN_USE"})
            self._acls.replace("authorization", "passwords", {admins.id: "CAN_USE", users.id: "CAN_USE"})


def _type(object_type: str, object_id: str) -> ObjectType:
    kind = object_type_of(object_type, object_id)
    if kind is None:
        raise BadRequest(f"'{object_type}' is not a supported object type ({object_type}/{object_id})")
    return kind


def _require_level(kind: ObjectType, level: str) -> None:
    if level not in kind.ranks:
        raise BadRequest(f"{kind.name} has the permission levels {', '.join(kind.levels)}, not {level!r}")


def _permission(level: str, inherited_from: str | None = None) -> dict[str, Any]:
    if inherited_from is None:
        return {"permission_level": level, "inherited": False}
    return {"permission_level": level, "inherited": True, "inherited_from_object": [inherited_from]}
