"""Who may do what with an object of the workspace (Permissions API 2.0)."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Refused, Resource, elements, is_uuid, resource
from infra.workspace.terraform.session import Api, Json, segment


@dataclass(frozen=True)
class ObjectKind:
    """How the Permissions API names a kind of object, and which levels it has."""

    object_type: str
    request_type: str
    levels: tuple[str, ...]
    keeps_manager: bool = False
    """Whether the one who applies is added as manager, so as not to lock itself out."""
    by_path: bool = False


_FILES = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")
_MODELS = ("CAN_READ", "CAN_EDIT", "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE")
_WAREHOUSES = ("CAN_USE", "CAN_VIEW", "CAN_MONITOR", "IS_OWNER", "CAN_MANAGE")
KINDS: Mapping[str, ObjectKind] = {
    "cluster_policy_id": ObjectKind("cluster-policy", "cluster-policies", ("CAN_USE",)),
    "instance_pool_id": ObjectKind("instance-pool", "instance-pools", ("CAN_ATTACH_TO", "CAN_MANAGE"), True),
    "cluster_id": ObjectKind("cluster", "clusters", ("CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"), True),
    "job_id": ObjectKind("job", "jobs", ("CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE")),
    "notebook_id": ObjectKind("notebook", "notebooks", _FILES),
    "notebook_path": ObjectKind("notebook", "notebooks", _FILES, by_path=True),
    "directory_id": ObjectKind("directory", "directories", _FILES),
    "directory_path": ObjectKind("directory", "directories", _FILES, by_path=True),
    "workspace_file_id": ObjectKind("file", "files", _FILES),
    "workspace_file_path": ObjectKind("file", "files", _FILES, by_path=True),
    "repo_id": ObjectKind("repo", "repos", _FILES),
    "repo_path": ObjectKind("repo", "repos", _FILES, by_path=True),
    "sql_endpoint_id": ObjectKind("warehouses", "sql/warehouses", _WAREHOUSES, True),
    "experiment_id": ObjectKind("mlflowExperiment", "experiments", ("CAN_READ", "CAN_EDIT", "CAN_MANAGE")),
    "registered_model_id": ObjectKind("registered-model", "registered-models", _MODELS, True),
    "dashboard_id": ObjectKind("dashboard", "dashboards", _FILES),
    "alert_v2_id": ObjectKind("alertv2", "alertsv2", _FILES, True),
    "serving_endpoint_id": ObjectKind(
        "serving-endpoint", "serving-endpoints", ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"), True
    ),
    "authorization": ObjectKind("tokens", "authorization", ("CAN_USE", "CAN_MANAGE")),
}
_BY_REQUEST = {kind.request_type: name for name, kind in KINDS.items() if not kind.by_path}
_PRINCIPALS = ("user_name", "group_name", "service_principal_name")


def _me(api: Api) -> str:
    if "me" not in api.keep:
        api.keep["me"] = str(api.get("/api/2.0/preview/scim/v2/Me")["userName"])
    return str(api.keep["me"])


def _is(entry: Json, principal: str) -> bool:
    return principal in (entry.get("user_name"), entry.get("service_principal_name"))


def _as_user(principal: str, level: str) -> Json:
    name = "service_principal_name" if is_uuid(principal) else "user_name"
    return {name: principal, "permission_level": level}


@resource("databricks_permissions")
class Permissions(Resource):
    def create(self, api: Api, new: State) -> str:
        field = self._field(new)
        kind = KINDS[field]
        identifier = str(new[field])
        if kind.by_path:
            identifier = str(api.get("/api/2.0/workspace/get-status", {"path": identifier})["object_id"])
        path = f"/{kind.request_type}/{identifier}"
        self._put(api, kind, path, new)
        return path

    def read(self, api: Api, known: State) -> State | None:
        field, kind, path = self._of(known["id"])
        answer = api.get(path)
        me = _me(api)
        configured = known.get("access_control") or []
        entries = [
            {**dict.fromkeys(_PRINCIPALS), **_principal(entry), "permission_level": level["permission_level"]}
            for entry in answer.get("access_control_list") or []
            if entry.get("group_name") != "admins" and (not _is(entry, me) or any(_is(each, me) for each in configured))
            for level in entry.get("all_permissions") or []
            if not level.get("inherited")
        ]
        if not entries:
            return None
        state: State = {"object_type": kind.object_type, "access_control": entries}
        if not any(known.get(name) for name, each in KINDS.items() if each.by_path):
            state[field] = known["id"].rpartition("/")[2]
        return state

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._put(api, self._of(old["id"])[1], old["id"], new)
        return None

    def delete(self, api: Api, old: State) -> None:
        """Only admins keep their access, and the one who applies; what has an owner falls to its creator."""
        _, kind, path = self._of(old["id"])
        entries = [
            {"group_name": "admins", "permission_level": level["permission_level"]}
            for entry in api.get(path).get("access_control_list") or []
            if entry.get("group_name") == "admins"
            for level in entry.get("all_permissions") or []
            if not level.get("inherited")
        ][:1]
        owner = self._creator(api, kind, old["id"])
        self._set(api, kind, path, entries, owner)

    def check(self, config: State) -> list[str]:
        field = next((name for name in KINDS if config.get(name)), None)
        problems = []
        for entry in elements(config.get("access_control")):
            level = entry.get("permission_level")
            if field and isinstance(level, str) and level not in KINDS[field].levels:
                allowed = ", ".join(sorted(KINDS[field].levels))
                problems.append(f"permission_level {level} is not supported with {field} objects; allowed: {allowed}")
            if entry.get("group_name") == "admins":
                problems.append("access_control: the permissions of the group admins cannot be changed")
        return problems

    def _field(self, state: State) -> str:
        field = next((name for name in KINDS if state.get(name)), None)
        if field is None:
            given = ", ".join(name for name, value in state.items() if value and name not in ("id", "access_control"))
            raise Refused(f"permissions of this kind of object are not served by the local workspace: {given}")
        return field

    def _of(self, identifier: str) -> tuple[str, ObjectKind, str]:
        request_type, _, object_id = identifier.strip("/").rpartition("/")
        field = _BY_REQUEST.get(request_type)
        if field is None:
            raise Refused(f"the id {identifier!r} is not of the form /OBJECT_TYPE/ID of a served object type")
        return field, KINDS[field], f"/api/2.0/permissions/{request_type}/{segment(object_id)}"

    def _put(self, api: Api, kind: ObjectKind, identifier: str, state: State) -> None:
        entries = [_entry(each) for each in state["access_control"]]
        mine = next((each for each in entries if _is(each, _me(api))), None)
        if mine and mine["permission_level"] not in ("CAN_MANAGE", "IS_OWNER", *_any_level(kind)):
            raise Refused(f"cannot remove management permissions for the current user for {kind.object_type}")
        self._set(api, kind, self._of(identifier)[2], entries, _me(api))

    def _set(self, api: Api, kind: ObjectKind, path: str, entries: list[Json], owner: str) -> None:
        entries = list(entries)
        if kind.keeps_manager and not any(_is(each, _me(api)) for each in entries):
            entries.append(_as_user(_me(api), "CAN_MANAGE"))
        if "IS_OWNER" in kind.levels and not any(each["permission_level"] == "IS_OWNER" for each in entries):
            entries.append(_as_user(owner, "IS_OWNER"))
        api.put(path, {"access_control_list": entries} if entries else {})

    def _creator(self, api: Api, kind: ObjectKind, identifier: str) -> str:
        number = identifier.rpartition("/")[2]
        if kind.object_type == "job":
            return str(api.get("/api/2.2/jobs/get", {"job_id": number}).get("creator_user_name") or _me(api))
        if kind.object_type == "warehouses":
            return str(api.get(f"/api/2.0/sql/warehouses/{segment(number)}").get("creator_name") or _me(api))
        return _me(api)


def _any_level(kind: ObjectKind) -> tuple[str, ...]:
    """Policies have no manager, so every level will do for oneself."""
    return kind.levels if "CAN_MANAGE" not in kind.levels else ()


def _principal(entry: Json) -> Json:
    return {name: entry[name] for name in _PRINCIPALS if entry.get(name)}


def _entry(state: State) -> Json:
    return {**_principal(state), "permission_level": state.get("permission_level")}
