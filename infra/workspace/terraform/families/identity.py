"""Service principals, users, groups, memberships and entitlements (SCIM 2.0, RFC 7644, with Databricks' schemas)."""

from typing import ClassVar

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Resource, resource
from infra.workspace.terraform.session import Api, Json, RestError, segment

SCIM = "/api/2.0/preview/scim/v2"
ENTITLEMENTS = (
    "allow-cluster-create",
    "allow-instance-pool-create",
    "databricks-sql-access",
    "workspace-access",
    "workspace-consume",
)
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_READ = "userName,displayName,active,externalId,entitlements"


def entitlements_of(state: State) -> list[Json]:
    """SCIM's list of the entitlements that are true; one empty value when there is none, as SCIM's patch needs."""
    held = [{"value": name} for name in ENTITLEMENTS if state.get(name.replace("-", "_"))]
    return held or [{"value": ""}]


def entitlement_flags(answer: Json) -> State:
    """An attribute for each entitlement."""
    held = {each.get("value") for each in answer.get("entitlements") or []}
    return {name.replace("-", "_"): name in held for name in ENTITLEMENTS}


def patch(*operations: Json) -> Json:
    """The body of a SCIM patch."""
    return {"schemas": [_PATCH], "Operations": list(operations)}


def find_by(api: Api, kind: str, attribute: str, value: str) -> list[Json]:
    """The SCIM resources whose attribute equals the value."""
    quoted = value.replace('"', '\\"')
    answer = api.get(f"{SCIM}/{kind}", {"filter": f'{attribute} eq "{quoted}"'})
    return answer.get("Resources") or []


class _Principal(Resource):
    """What users and service principals share."""

    scim: ClassVar[str]
    kind: ClassVar[str]
    name: ClassVar[str]
    """SCIM's attribute that names the principal."""
    prefix: ClassVar[str]
    """First part of the principal's id in access control lists."""

    def body(self, state: State) -> Json:
        body = {
            "schemas": [_SCHEMA + self.kind],
            "displayName": state.get("display_name"),
            "externalId": state.get("external_id"),
            "active": state.get("active") is not False,
            "entitlements": entitlements_of(state),
        }
        return {name: value for name, value in body.items() if value is not None}

    def create(self, api: Api, new: State) -> str:
        try:
            return str(api.post(f"{SCIM}/{self.scim}", self.body(new))["id"])
        except RestError as error:
            if not (new.get("force") and "already exists" in str(error)):
                raise
        found = find_by(api, self.scim, self.name, str(self.body(new)[self.name]))
        identifier = str(found[0]["id"])
        self._replace(api, identifier, new)
        return identifier

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        body = self.body(new)
        name = self.name if body.get(self.name) else "displayName"
        found = find_by(api, self.scim, name, str(body.get(name)))
        return str(found[-1]["id"]) if found else None

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{SCIM}/{self.scim}/{segment(known['id'])}", {"attributes": _READ})
        name = answer[self.name]
        return {
            "display_name": answer.get("displayName"),
            "active": bool(answer.get("active", True)),
            "external_id": answer.get("externalId"),
            "home": f"/Users/{name}",
            "repos": f"/Repos/{name}",
            "acl_principal_id": f"{self.prefix}/{name}",
            **entitlement_flags(answer),
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._replace(api, old["id"], new)
        return None

    def _replace(self, api: Api, identifier: str, new: State) -> None:
        path = f"{SCIM}/{self.scim}/{segment(identifier)}"
        kept = api.get(path, {"attributes": "groups,roles"})
        body = self.body(new)
        body |= {name: kept[name] for name in ("groups", "roles") if kept.get(name)}
        api.put(path, body)

    def delete(self, api: Api, old: State) -> None:
        path = f"{SCIM}/{self.scim}/{segment(old['id'])}"
        if old.get("disable_as_user_deletion"):
            api.patch(path, patch({"op": "replace", "path": "active", "value": "false"}))
            return
        api.delete(path)
        for flag, folder in (("force_delete_repos", "repos"), ("force_delete_home_dir", "home")):
            if old.get(flag):
                _delete_tree(api, old[folder])


def _delete_tree(api: Api, path: str) -> None:
    try:
        api.post("/api/2.0/workspace/delete", {"path": path, "recursive": True})
    except RestError as error:
        if not error.is_missing:
            raise


@resource("databricks_service_principal")
class ServicePrincipal(_Principal):
    scim = "ServicePrincipals"
    kind = "ServicePrincipal"
    name = "applicationId"
    prefix = "servicePrincipals"

    def body(self, state: State) -> Json:
        body = super().body(state)
        if state.get("application_id"):
            body["applicationId"] = state["application_id"]
        return body

    def read(self, api: Api, known: State) -> State | None:
        state = super().read(api, known) or {}
        return {**state, "application_id": state["acl_principal_id"].partition("/")[2]}


@resource("databricks_user")
class User(_Principal):
    scim = "Users"
    kind = "User"
    name = "userName"
    prefix = "users"

    def body(self, state: State) -> Json:
        return {**super().body(state), "userName": state["user_name"]}

    def read(self, api: Api, known: State) -> State | None:
        state = super().read(api, known) or {}
        return {**state, "user_name": state["acl_principal_id"].partition("/")[2]}


@resource("databricks_group")
class Group(Resource):
    def create(self, api: Api, new: State) -> str:
        body = self._body(new)
        try:
            return str(api.post(f"{SCIM}/Groups", body)["id"])
        except RestError as error:
            if not (new.get("force") and "already exists" in str(error)):
                raise
        identifier = str(find_by(api, "Groups", "displayName", new["display_name"])[0]["id"])
        self._replace(api, identifier, new)
        return identifier

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        found = find_by(api, "Groups", "displayName", new["display_name"])
        return str(found[0]["id"]) if found else None

    def _body(self, new: State) -> Json:
        body = {"displayName": new["display_name"], "externalId": new.get("external_id")}
        body |= {"schemas": [_SCHEMA + "Group"], "entitlements": entitlements_of(new)}
        return {name: value for name, value in body.items() if value is not None}

    def read(self, api: Api, known: State) -> State | None:
        attributes = "displayName,externalId,entitlements"
        answer = api.get(f"{SCIM}/Groups/{segment(known['id'])}", {"attributes": attributes})
        return {
            "display_name": answer["displayName"],
            "external_id": answer.get("externalId"),
            "acl_principal_id": f"groups/{answer['displayName']}",
            "url": f"{api.host}/#setting/accounts/groups/{known['id']}",
            **entitlement_flags(answer),
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._replace(api, old["id"], new)
        return None

    def _replace(self, api: Api, identifier: str, new: State) -> None:
        path = f"{SCIM}/Groups/{segment(identifier)}"
        kept = api.get(path, {"attributes": "displayName,entitlements,groups,members,externalId"})
        body = self._body(new)
        body |= {name: kept[name] for name in ("groups", "roles", "members") if kept.get(name)}
        api.put(path, body)

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{SCIM}/Groups/{segment(old['id'])}")

    def check(self, config: State) -> list[str]:
        if config.get("display_name") in ("users", "admins"):
            return ["display_name: the groups users and admins exist already and cannot be managed"]
        return []


@resource("databricks_group_member")
class GroupMember(Resource):
    def create(self, api: Api, new: State) -> str:
        member = {"op": "add", "path": "members", "value": [{"value": new["member_id"]}]}
        api.patch(f"{SCIM}/Groups/{segment(new['group_id'])}", patch(member))
        return f"{new['group_id']}|{new['member_id']}"

    def read(self, api: Api, known: State) -> State | None:
        group, _, member = known["id"].partition("|")
        answer = api.get(f"{SCIM}/Groups/{segment(group)}", {"attributes": "members"})
        members = {each.get("value") for each in answer.get("members") or []}
        return {"group_id": group, "member_id": member} if member in members else None

    def delete(self, api: Api, old: State) -> None:
        member = {"op": "remove", "path": f'members[value eq "{old["member_id"]}"]'}
        api.patch(f"{SCIM}/Groups/{segment(old['group_id'])}", patch(member))


@resource("databricks_entitlements")
class Entitlements(Resource):
    _KINDS: ClassVar[dict[str, tuple[str, str]]] = {
        "group": ("group_id", "Groups"),
        "user": ("user_id", "Users"),
        "spn": ("service_principal_id", "ServicePrincipals"),
    }

    def create(self, api: Api, new: State) -> str:
        prefix = next(prefix for prefix, (name, _) in self._KINDS.items() if new.get(name))
        identifier = f"{prefix}/{new[self._KINDS[prefix][0]]}"
        self._patch(api, identifier, "replace", new)
        return identifier

    def read(self, api: Api, known: State) -> State | None:
        prefix, _, identifier = known["id"].partition("/")
        name, kind = self._KINDS[prefix]
        answer = api.get(f"{SCIM}/{kind}/{segment(identifier)}", {"attributes": "entitlements"})
        return {name: identifier, **entitlement_flags(answer)}

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._patch(api, old["id"], "replace", new)
        return None

    def delete(self, api: Api, old: State) -> None:
        if entitlements_of(old) != [{"value": ""}]:
            self._patch(api, old["id"], "remove", old)

    def _patch(self, api: Api, identifier: str, verb: str, state: State) -> None:
        prefix, _, number = identifier.partition("/")
        operation = {"op": verb, "path": "entitlements", "value": entitlements_of(state)}
        api.patch(f"{SCIM}/{self._KINDS[prefix][1]}/{segment(number)}", patch(operation))
