"""Data sources of people, service principals and groups."""

import re

from infra.workspace.terraform.families.identity import SCIM, entitlement_flags, find_by
from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import DataSource, Refused, data_source, is_uuid
from infra.workspace.terraform.session import Api, Json, segment


def _alphanumeric(name: str) -> str:
    return re.sub(r"\W", "_", name.split("@")[0]).lower()


@data_source("databricks_current_user")
class CurrentUser(DataSource):
    def read(self, api: Api, config: State) -> State:
        me = api.get(f"{SCIM}/Me")
        name = me["userName"]
        return {
            "id": str(me["id"]),
            "user_name": name,
            "home": f"/Users/{name}",
            "repos": f"/Repos/{name}",
            "alphanumeric": _alphanumeric(name),
            "external_id": me.get("externalId") or "",
            "workspace_url": api.host,
            "acl_principal_id": f"{'servicePrincipals' if is_uuid(name) else 'users'}/{name}",
        }


@data_source("databricks_user")
class UserData(DataSource):
    def read(self, api: Api, config: State) -> State:
        if config.get("user_id"):
            found = api.get(f"{SCIM}/Users/{segment(config['user_id'])}")
        else:
            users = find_by(api, "Users", "userName", config["user_name"])
            if not users:
                raise Refused(f"cannot find user {config['user_name']}")
            found = users[0]
        name = found["userName"]
        return {
            "id": str(found["id"]),
            "user_name": name,
            "display_name": found.get("displayName"),
            "home": f"/Users/{name}",
            "repos": f"/Repos/{name}",
            "alphanumeric": _alphanumeric(name),
            "external_id": found.get("externalId") or "",
            "application_id": found.get("applicationId") or "",
            "acl_principal_id": f"users/{name}",
            "active": bool(found.get("active", True)),
        }


def _principal(found: Json) -> State:
    name = found["applicationId"]
    return {
        "id": str(found["id"]),
        "sp_id": str(found["id"]),
        "scim_id": str(found["id"]),
        "application_id": name,
        "display_name": found.get("displayName"),
        "home": f"/Users/{name}",
        "repos": f"/Repos/{name}",
        "external_id": found.get("externalId"),
        "acl_principal_id": f"servicePrincipals/{name}",
        "active": bool(found.get("active", True)),
    }


@data_source("databricks_service_principal")
class ServicePrincipalData(DataSource):
    _BY = (("application_id", "applicationId"), ("scim_id", "id"), ("display_name", "displayName"))

    def read(self, api: Api, config: State) -> State:
        wanted = next(((name, scim) for name, scim in self._BY if config.get(name)), None)
        if wanted is None:
            raise Refused("please specify either application_id, display_name, or scim_id")
        name, scim = wanted
        found = find_by(api, "ServicePrincipals", scim, config[name])
        if not found:
            raise Refused(f"cannot find a service principal with {name} {config[name]}")
        if len(found) > 1:
            raise Refused(f"there are {len(found)} service principals with {name} {config[name]}")
        return _principal(found[0])


@data_source("databricks_service_principals")
class ServicePrincipalsData(DataSource):
    def read(self, api: Api, config: State) -> State:
        part = config.get("display_name_contains")
        answer = api.get(f"{SCIM}/ServicePrincipals", {"filter": f'displayName co "{part}"'} if part else None)
        found = sorted((_principal(each) for each in answer.get("Resources") or []), key=lambda p: p["application_id"])
        return {
            "id": "_",
            "application_ids": [each["application_id"] for each in found],
            "service_principals": found,
        }


@data_source("databricks_group")
class GroupData(DataSource):
    def read(self, api: Api, config: State) -> State:
        groups = find_by(api, "Groups", "displayName", config["display_name"])
        if not groups:
            raise Refused(f"cannot find group: {config['display_name']}")
        top = groups[0]
        found: dict[str, set[str]] = {
            name: set()
            for name in ("members", "users", "child_groups", "service_principals", "groups", "instance_profiles")
        }
        queue, seen = [top], {str(top["id"])}
        while queue:
            group = queue.pop(0)
            _collect(group, found)
            for parent in group.get("groups") or []:
                if config.get("recursive") is not False and str(parent["value"]) not in seen:
                    seen.add(str(parent["value"]))
                    queue.append(api.get(f"{SCIM}/Groups/{segment(parent['value'])}"))
        return {
            "id": str(top["id"]),
            "recursive": config.get("recursive") is not False,
            "external_id": top.get("externalId") or "",
            "acl_principal_id": f"groups/{config['display_name']}",
            **{name: sorted(values) for name, values in found.items()},
            **entitlement_flags(top),
        }


_MEMBERS = {"Users": "users", "Groups": "child_groups", "ServicePrincipals": "service_principals"}


def _collect(group: Json, found: dict[str, set[str]]) -> None:
    for member in group.get("members") or []:
        found["members"].add(str(member["value"]))
        kind = _MEMBERS.get(str(member.get("$ref", "")).split("/")[-2] if "/" in str(member.get("$ref", "")) else "")
        if kind:
            found[kind].add(str(member["value"]))
    found["groups"] |= {str(each["value"]) for each in group.get("groups") or []}
    found["instance_profiles"] |= {str(each["value"]) for each in group.get("roles") or []}
